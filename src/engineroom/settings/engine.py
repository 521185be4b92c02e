"""The options of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from traitlets import Int, List, Unicode

from engineroom.settings.amount_traits import Float, Resources, Size, Tags
from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.mpi_kind import MPIKind
from engineroom.settings.option import option


class IPEngine(BaseParallelApplication):
    """Start one engine: a process with a namespace that runs what clients send it."""

    name = Unicode("ipengine")
    config_name = "ipengine"
    for_engines = True
    old_classes = ("IPEngineApp", "EngineFactory")
    no_effect: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"clean_logs": "other engines may still write theirs; `ipcluster start --clean-logs` removes old logs"}
    )
    first = (
        "--file=engine.json",
        "--profile=mpi",
        "--cluster-id=second",
        "-c 'import math'",
        "-s startup.py",
        "--mpi",
        "--ssh=me@gateway",
        "--timeout=300",
        "--log-to-file",
        "--debug",
    )
    examples = Unicode("ipengine --file=./ipcontroller-engine.json    # copied from the controller")

    url_file = option(
        Unicode("", help="Connection file (default: the one in the profile's security directory)."), "file"
    )
    url_file_name = option(Unicode("", help="File name of the connection file, in the profile's security directory."))
    url = option(
        Unicode("", help="Address of the controller, tcp://HOST:PORT, to try before those in the connection file."),
        "url",
        old=("registration_url",),
    )
    location = option(
        Unicode("", help="Name or address of the controller's machine, to try before those in the connection file."),
        "location",
    )
    sshserver = option(
        Unicode("", help="SSH server to tunnel through, [user@]host[:port]; overrides the connection file."),
        "ssh",
    )
    sshkey = option(
        Unicode("", help="Private key for the SSH server (default: as in your ssh configuration)."), "sshkey"
    )
    ssh_args = option(
        List(Unicode(), help="Extra arguments for ssh, placed first; those in $ENGINEROOM_SSH_ARGS follow.")
    )
    id = option(Int(None, allow_none=True, min=0, help="Engine id to ask for (default: the next free one)."), "id")
    timeout = option(
        Float(60.0, min=0, help="How long to wait for the connection file and the controller, in seconds."),
        "timeout",
        old=("wait_for_url_file",),
    )
    reconnect_timeout = option(Float(60.0, min=0, help="Seconds without a controller after which the engine stops."))
    resources = option(
        Resources(help="What tasks can ask for, as in 'gpu=1,memory=4GiB'. memory is the memory limit by default."),
        "resources",
    )
    tags = option(Tags(help="Names by which tasks can ask for this engine, as in 'bigmem,fast'."), "tags")
    memory_limit = option(
        Size(
            help="Memory that the engine may take while a task runs, such as '2GiB'; beyond it the task fails with "
            "MemoryError (0: no limit)."
        ),
        "memory-limit",
    )
    startup_command = option(Unicode("", help="Python code to run at start, after the startup script."), "c")
    startup_script = option(Unicode("", help="Python file to run at start."), "s")
    use_mpi = option(
        MPIKind(help="Initialise MPI at start, by 'mpi4py' (or True) or 'pytrilinos'. The rank becomes the engine id."),
        old=("MPI.use",),
        shortcuts={"mpi": "mpi4py"},
    )
    init_mpi = option(
        Unicode("", help="Python code that initialises MPI at start, instead of use_mpi."),
        old=("MPI.init_script",),
    )
    max_result_bytes = option(Int(1024**3, min=1, help="Largest result of one task, in bytes."))
    max_unacknowledged_bytes = option(
        Int(
            512 * 1024**2,
            min=0,
            help="Bytes of results and output to keep until they are acknowledged. At this limit, the engine starts no "
            "more tasks.",
        )
    )
    max_function_bytes = option(Int(256 * 1024**2, min=0, help="Bytes of functions to keep for later calls."))
    max_display_bytes = option(
        Int(
            64 * 1024**2,
            min=2 * 1024**2,
            help="Bytes of displays, such as figures, to keep of one task; one display may take half of it. More are "
            "cut from the middle, and a larger one is replaced by a note.",
        )
    )
    max_output_bytes = option(
        Int(1024**2, min=1024, help="Characters to keep of what one task prints; more is cut from the middle.")
    )
