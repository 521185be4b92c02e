"""The configuration of a controller."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engineroom.core.limits import Limits
from engineroom.settings.profiles import ConnectionFiles

_OFTEN = 0.05


class ControllerConfig(msgspec.Struct, kw_only=True, frozen=True):
    """`security_dir`: where keys, certificate and connection files are. `ip`: an address, or "*" for all;
    `ports`: the first free one is taken, empty or 0: any. `location`: the address that others should use, "":
    found out. `reuse`: keep port and keys of the last start. `ssh`, `engine_ssh`: tunnel servers, noted in the
    files. `heartbeat` x `misses`: seconds of silence after which a machine counts as cut off.
    `reattach_grace`: seconds that an engine whose connection broke may take to come back, where nobody could
    report its death; `reconnect_timeout`: the same, where it may have been cut off. `host`: instance of the host that
    had it started in a job, b"" if none did; without that host it ends after `lease` seconds. `linger`: seconds for
    which results of a client that is gone are kept; `max_kept_bytes`, `max_total_kept_bytes`: of results, for one
    client and for all; `max_submitted_bytes`: of the unfinished tasks of one client; `max_idle_function_bytes`: of
    functions that no unfinished task names; `max_link_bytes`: of what waits
    for a client that does not read. Who has not answered for `unresponsive` seconds is called unresponsive, and is lost
    after `unresponsive_timeout` seconds (0: never).
    """

    security_dir: str
    cluster_id: str = ""
    ip: str = "127.0.0.1"
    ports: tuple[int, ...] = ()
    location: str = ""
    reuse: bool = False
    client_file: str = ""
    engine_file: str = ""
    ssh: str = ""
    engine_ssh: str = ""
    policy: str = "leastload"
    heartbeat: float = 3.0
    misses: int = 10
    reattach_grace: float = 2.0
    reconnect_timeout: float = 60.0
    host: bytes = b""
    lease: float = 60.0
    linger: float = 900.0
    max_kept_bytes: int = 512 << 20
    max_total_kept_bytes: int = 1 << 30
    max_submitted_bytes: int = 2 << 30
    max_idle_function_bytes: int = 64 << 20
    max_link_bytes: int = 8 << 20
    unresponsive: float = 6.0
    unresponsive_timeout: float = 0.0

    @property
    def connection_files(self) -> ConnectionFiles:
        """Where it writes how it can be reached."""
        names = {"client": self.client_file, "engine": self.engine_file}
        return ConnectionFiles.within(Path(self.security_dir), self.cluster_id, **names)

    @property
    def limits(self) -> Limits:
        """What the core needs to know of it."""
        return Limits(
            policy=self.policy,
            linger=self.linger,
            kept_bytes=self.max_kept_bytes,
            all_kept_bytes=self.max_total_kept_bytes,
            submitted_bytes=self.max_submitted_bytes,
            idle_function_bytes=self.max_idle_function_bytes,
            reattach_grace=self.reattach_grace,
            reconnect_timeout=self.reconnect_timeout,
            lease=self.lease,
            ping_every=self.ping_every,
            unresponsive=self.unresponsive,
            unresponsive_timeout=self.unresponsive_timeout,
        )

    @property
    def silent(self) -> float:
        """Seconds of silence after which a machine counts as cut off."""
        return self.heartbeat * self.misses

    @property
    def ping_every(self) -> float:
        """Seconds after which a quiet connection is pinged."""
        shortest = min(limit for limit in (self.unresponsive, self.unresponsive_timeout) if limit > 0)
        return max(_OFTEN, min(self.heartbeat, shortest / 2))
