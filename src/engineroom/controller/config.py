"""The configuration of a controller."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from engineroom.core.limits import Limits
from engineroom.machine.processes import ProcessRecord
from engineroom.machine.shared_memory.room import sharing, total
from engineroom.protocol.ranges import MOST_BYTES
from engineroom.settings.profiles import ConnectionFiles, KeptFiles
from engineroom.store.config import DictStore, StoreConfig

_OFTEN = 0.05
_USUAL = Limits()


class ControllerConfig(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that a controller needs to know. Times are in seconds, sizes in bytes."""

    security_dir: str
    """Directory of keys, certificate and connection files."""
    cluster_id: str = ""
    """Which cluster of the profile; "": the one without an id."""
    ip: str = "127.0.0.1"
    """Address to listen on; "*": all."""
    ports: tuple[int, ...] = ()
    """Ports to try, the first free one is taken; (), or 0 among them: any."""
    location: str = ""
    """Address that others should use; "": it is found out."""
    reuse: bool = False
    """Keep the port and the keys of the last start."""
    restore: bool = False
    """Go on in the place of the last controller, which was killed: with its port, its keys and its engines."""
    client_file: str = ""
    engine_file: str = ""
    """Names of the connection files; "": the usual ones."""
    ssh: str = ""
    engine_ssh: str = ""
    """Tunnel servers for clients and for engines, noted in these files."""
    policy: str = "leastload"
    """Who gets a task: a name in `core.policies.POLICIES`."""
    heartbeat: float = 3.0
    """A machine is to be heard of this often..."""
    misses: int = 10
    """... and counts as cut off after so many times of silence."""
    reattach_grace: float = 2.0
    """How long an engine whose connection broke may take to come back, where nobody could report its death."""
    reconnect_timeout: float = 60.0
    """The same, where it may have been cut off."""
    owner: ProcessRecord | None = None
    """The process that has it as a child, and starts it again if it dies; None: nobody does, or from elsewhere."""
    host: bytes = b""
    """Instance of the host that had it started in a job; b"": none did."""
    lease: float = 60.0
    """How long it goes on without that host."""
    interrupt_grace: float = 5.0
    """How long a task that was interrupted may take to end, before its engine may be killed."""
    linger: float = 900.0
    """How long results of a client that is gone are kept."""
    max_kept_bytes: int = 512 << 20
    max_total_kept_bytes: int = 1 << 30
    """Of results kept, for one client and for all."""
    max_input_bytes: int = 512 << 20
    max_total_input_bytes: int = 1 << 30
    """Of results that are arguments of unfinished tasks, for one client and for all."""
    max_submitted_bytes: int = 2 << 30
    """Of the unfinished tasks of one client."""
    max_kept_call_bytes: int = 256 << 20
    """Of the calls of one client that are kept for engines that come later."""
    max_idle_function_bytes: int = 64 << 20
    """Of functions that no unfinished task names."""
    max_link_bytes: int = 8 << 20
    """Of what waits for a client that does not read."""
    max_shared_bytes: int = -1
    """Of shared memory that one client, or all engines of this machine, may fill; -1: a quarter of the memory."""
    unresponsive: float = 6.0
    """Who has not answered for so long is called unresponsive..."""
    unresponsive_timeout: float = 0.0
    """... and is lost after so long; 0: never."""
    store: StoreConfig = DictStore()
    """Where tasks are kept."""

    drop_unfinished: bool = False
    """Do not go on with tasks that an earlier cluster has left undone."""

    @property
    def connection_files(self) -> ConnectionFiles:
        """Where it writes how it can be reached."""
        names = {"client": self.client_file, "engine": self.engine_file}
        return ConnectionFiles.within(Path(self.security_dir), self.cluster_id, **names)

    @property
    def passing_files(self) -> tuple[Path, ...]:
        """What it takes away at its end: connection files, engines, and of a cluster with an id the certificate."""
        if self.reuse:
            return ()
        return (*self.connection_files, *KeptFiles.passing(Path(self.security_dir), self.cluster_id))

    @property
    def limits(self) -> Limits:
        """What the core needs to know of it."""
        share = sharing()

        def fits(size: int, usual: int) -> int:
            """Return `size`; if nobody has set it, no more than a share of the memory that there is."""
            return share(size) if size == usual else size

        return Limits(
            policy=self.policy,
            linger=self.linger,
            ahead_bytes=share(_USUAL.ahead_bytes),
            ahead_direct_bytes=share(_USUAL.ahead_direct_bytes),
            kept_bytes=fits(self.max_kept_bytes, _USUAL.kept_bytes),
            all_kept_bytes=fits(self.max_total_kept_bytes, _USUAL.all_kept_bytes),
            input_bytes=fits(self.max_input_bytes, _USUAL.input_bytes),
            all_input_bytes=fits(self.max_total_input_bytes, _USUAL.all_input_bytes),
            submitted_bytes=fits(self.max_submitted_bytes, _USUAL.submitted_bytes),
            keep_bytes=fits(self.max_kept_call_bytes, _USUAL.keep_bytes),
            idle_function_bytes=fits(self.max_idle_function_bytes, _USUAL.idle_function_bytes),
            reattach_grace=self.reattach_grace,
            reconnect_timeout=self.reconnect_timeout,
            lease=self.lease,
            interrupt_grace=self.interrupt_grace,
            ping_every=self.ping_every,
            unresponsive=self.unresponsive,
            unresponsive_timeout=self.unresponsive_timeout,
        )

    def shared_bytes_of(self, role: str) -> int:
        """Return how much shared memory a peer of this kind may fill."""
        if role == "host":
            return 0
        most = total() // 4 if self.max_shared_bytes < 0 else self.max_shared_bytes
        return most if role == "client" else most // (os.cpu_count() or 1)

    @property
    def carried_bytes(self) -> int:
        """Return how much an engine of another machine may have in shared memory there; it sets a limit itself."""
        return MOST_BYTES if self.max_shared_bytes < 0 else self.max_shared_bytes

    @property
    def silent(self) -> float:
        """Seconds of silence after which a machine counts as cut off."""
        return self.heartbeat * self.misses

    @property
    def ping_every(self) -> float:
        """Seconds after which a quiet connection is pinged."""
        shortest = min(limit for limit in (self.unresponsive, self.unresponsive_timeout) if limit > 0)
        return max(_OFTEN, min(self.heartbeat, shortest / 2))
