"""The configuration of an engine."""

from __future__ import annotations

from typing import Any

import msgspec

from engineroom.ids import Instance
from engineroom.machine.left_behind import mark_of
from engineroom.machine.shared_memory.room import share
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.transport.ways import Way

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL for engines that a spawner forks, unless the host says something else."""

_UNACKNOWLEDGED = 512 * 1024**2


class EngineConfig(msgspec.Struct, kw_only=True):
    """Everything that one engine process needs to know; travels as JSON from the host through the spawner.

    Times are in seconds, sizes in bytes.
    """

    connection_file: str
    """Path of the file that says how to reach the controller."""
    wanted_id: int | None = None
    """The engine id to ask for; None: any."""
    instance: str = ""
    """32 hex digits; "": it draws one..."""
    secret: str = ""
    """... and what proves that it is its own."""
    host: bytes = b""
    """Instance of the host that started it."""
    parent: int = 0
    """Pid of the process that it must not outlive (Linux); 0: none."""
    words: int = -1
    """Descriptor of a page for what is written last (see `last_words`); -1: none."""
    launch: str = ""
    """For engines that no spawner started: what `trail.launches` says of their start."""
    way: Way = Way()
    """What a person says about how to get to the controller."""
    steps: str = ""
    """File for the steps of the start; "": none."""
    cluster_options: str = ""
    """What chooses this cluster on a command line."""
    terminal: bool = False
    """Whether a person may press Ctrl-C there."""
    mpi: str = ""
    """What initialises MPI, a kind of `engine.mpi.MODULES`; "": nothing does..."""
    init_mpi: str = ""
    """... or code that does it instead."""
    work_dir: str = ""
    """Working directory; "": that of its parent."""
    startup_script: str = ""
    startup_command: str = ""
    """Path of a file, and code, to run before the first task."""
    profile_dir: str = ""
    """Where IPython's start-up files are; "": there are none."""
    ipython: dict[str, dict[str, Any]] = {}
    """Options of IPython's classes, by class and name."""
    log_file: str = ""
    """"": it logs to its stderr."""
    log_level: str = "INFO"
    """Lowest level that it logs."""
    environment: dict[str, str] = {}
    """Variables for it, beside those of its parent."""
    sys_path: list[str] = []
    """Directories put in front of `sys.path`."""
    connect_timeout: float = 60.0
    """From the start to the first connection."""
    reconnect_timeout: float = 60.0
    """How long it goes on without a connection later on."""
    max_result_bytes: int = 1024**3
    """Of one result."""
    max_output_bytes: int = 1024**2
    """Characters kept of what one task writes to one stream."""
    max_display_bytes: int = 64 * 1024**2
    """Of what one task displays; one object may take half of it."""
    resources: dict[str, float] = {}
    tags: list[str] = []
    """What tasks may ask for."""
    memory_limit: int = 0
    """What this process may take while a task runs; 0: any amount."""
    max_unacknowledged_bytes: int = _UNACKNOWLEDGED
    """Of results and output kept until they are acknowledged."""
    max_function_bytes: int = 256 * 1024**2
    """Of functions kept for the next call..."""
    function_cache: int = 1024
    """... and so many of them."""
    grace: float = 0.5
    """What a running task, and then the interpreter, have to end when the engine must."""

    @property
    def unacknowledged_bytes(self) -> int:
        """`max_unacknowledged_bytes`; if nobody has set it, no more than a share of the memory that there is."""
        most = self.max_unacknowledged_bytes
        return share(most) if most == _UNACKNOWLEDGED else most

    def own_instance(self) -> Instance:
        """Return the instance id of this process; a random one if the config has none."""
        if not self.instance:
            secret = new_secret()
            self.secret, self.instance = secret.hex(), identity_of(secret).hex()
        return Instance(bytes.fromhex(self.instance))

    @property
    def mark(self) -> str:
        """What all processes of this engine's tasks are known by."""
        return mark_of(self.host, self.own_instance())
