"""The configuration of an engine."""

from __future__ import annotations

from typing import Any

import msgspec

from engineroom.ids import Instance
from engineroom.machine.left_behind import mark_of
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.transport.ways import Way


class EngineConfig(msgspec.Struct, kw_only=True):
    """Everything that one engine process needs to know; travels as JSON from the host through the spawner.

    `wanted_id`: the engine id to ask for, None for any. `instance`: 32 hex digits, "" to draw one. `host`: instance of
    the host that started it. `parent`: pid of the process that it must not outlive (Linux), 0 for none.
    `sys_path`: directories put in front of `sys.path`. Times are in seconds: `connect_timeout` from the start to the
    first connection, `reconnect_timeout` without one later on. `max_output_bytes`: characters kept of what one task
    writes to one stream; `max_unacknowledged_bytes`: of results and output kept until they are acknowledged;
    `max_function_bytes`: of functions kept for the next call.
    `launch`: for engines that no spawner started, what `protocol.launches` says of it.
    `way`: what a person says about how to get to the controller. `steps`: file for the steps of the start, "" for none.
    `cluster_options`: what chooses this cluster on a command line.
    `terminal`: whether a person may press Ctrl-C there.
    `grace`: seconds that a running task, and the interpreter, have to end when the engine must.
    `profile_dir`: where IPython's start-up files are, "" for none. `ipython`: options of IPython's classes.
    `words`: descriptor of a page for what is written last (see `last_words`), -1 for none.
    `mpi`: what initialises MPI (a kind of `engine.mpi.MODULES`, "" for nothing), `init_mpi`: code that does it instead.
    """

    connection_file: str
    wanted_id: int | None = None
    instance: str = ""
    secret: str = ""
    host: bytes = b""
    parent: int = 0
    words: int = -1
    launch: str = ""
    way: Way = Way()
    steps: str = ""
    cluster_options: str = ""
    terminal: bool = False
    mpi: str = ""
    init_mpi: str = ""
    work_dir: str = ""
    startup_script: str = ""
    startup_command: str = ""
    profile_dir: str = ""
    ipython: dict[str, dict[str, Any]] = {}
    log_file: str = ""
    log_level: str = "INFO"
    environment: dict[str, str] = {}
    sys_path: list[str] = []
    connect_timeout: float = 60.0
    reconnect_timeout: float = 60.0
    max_result_bytes: int = 1024**3
    max_output_bytes: int = 1024**2
    max_unacknowledged_bytes: int = 512 * 1024**2
    max_function_bytes: int = 256 * 1024**2
    function_cache: int = 1024
    grace: float = 0.5

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
