"""The options of an engine."""

from __future__ import annotations

from traitlets import Float, Int, List, Unicode

from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.mpi_kind import MPIKind
from engineroom.settings.option import option


class IPEngine(BaseParallelApplication):
    """Start one engine: a process that keeps a namespace and runs what clients send it."""

    name = Unicode("ipengine")
    config_name = "ipengine"
    old_classes = ("IPEngineApp", "EngineFactory")
    examples = Unicode("ipengine --file=./ipcontroller-engine.json    # with a file fetched from the controller")

    url_file = option(Unicode("", help="The connection file; default: the one in the profile's security/."), "file")
    url_file_name = option(Unicode("", help="Name of the connection file in the profile's security/."))
    url = option(
        Unicode("", help="Address of the controller, tcp://HOST:PORT, to try before those in the connection file."),
        "url",
        old=("registration_url",),
    )
    location = option(
        Unicode("", help="Address or name of the controller's machine, to try before what the connection file says."),
        "location",
    )
    sshserver = option(
        Unicode("", help="ssh server to tunnel through, [user@]host[:port], instead of what the connection file says."),
        "ssh",
    )
    sshkey = option(
        Unicode("", help="Private key for the ssh server; default: what ssh's configuration says."), "sshkey"
    )
    ssh_args = option(
        List(Unicode(), help="Further arguments for ssh, before all others; those in $ENGINEROOM_SSH_ARGS follow.")
    )
    id = option(Int(None, allow_none=True, min=0, help="The engine id to ask for; default: any."), "id")
    timeout = option(
        Float(60.0, min=0, help="Seconds that the connection file and the controller may take to be there."),
        "timeout",
        old=("wait_for_url_file",),
    )
    reconnect_timeout = option(Float(60.0, min=0, help="Seconds without a controller after which the engine ends."))
    startup_command = option(Unicode("", help="Python code to run at start, after the startup script."), "c")
    startup_script = option(Unicode("", help="Python file to run at start."), "s")
    use_mpi = option(
        MPIKind(help="What initialises MPI at start: 'mpi4py' (or True), or 'pytrilinos'. The engine id is the rank."),
        old=("MPI.use",),
        shortcuts={"mpi": "mpi4py"},
    )
    init_mpi = option(
        Unicode("", help="Python code that initialises MPI at start, instead of what use_mpi does."),
        old=("MPI.init_script",),
    )
    max_result_bytes = option(Int(1024**3, min=1, help="Bytes that one result may have."))
    max_output_bytes = option(
        Int(1024**2, min=1024, help="Characters kept of what one task prints; the middle of more is left out.")
    )
