"""The options of the controller."""

from __future__ import annotations

from traitlets import Bool, CaselessStrEnum, Int, Unicode
from traitlets.config import Configurable

from engineroom.settings.amount_traits import Float
from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.database_names import DatabaseName
from engineroom.settings.databases import DATABASES
from engineroom.settings.option import PortList, option

POLICIES = ("leastload", "lru", "plainrandom", "pure", "twobin", "weighted")


class TaskScheduler(Configurable):
    """Which engine gets a load-balanced task."""

    scheme_name = option(
        CaselessStrEnum(POLICIES, "leastload", help="Policy that chooses the engine for a load-balanced task."),
        "scheme",
    )


class HeartMonitor(Configurable):
    """When a machine that sends nothing counts as disconnected."""

    period = option(Int(3000, min=1, help="Milliseconds between heartbeats."), "ping")
    max_heartmonitor_misses = option(
        Int(10, min=1, help="Heartbeats in a row that may be missed before a machine counts as disconnected.")
    )


class IPController(BaseParallelApplication):
    """Start a controller: the process that engines and clients connect to."""

    name = Unicode("ipcontroller")
    config_name = "ipcontroller"
    option_classes = (TaskScheduler, HeartMonitor, *DATABASES)
    flag_classes = option_classes
    old_classes = ("IPControllerApp", "HubFactory")
    first = (
        "--ip='*'",
        "--ports=10101-10120",
        "--location=10.0.1.5",
        "--reuse",
        "--profile=mpi",
        "--cluster-id=second",
        "--ssh=gateway",
        "--enginessh=gateway",
        "--log-to-file",
        "--debug",
    )
    examples = Unicode("ipcontroller --ip='*' --ports=10101-10120")

    ip = option(
        Unicode("127.0.0.1", help="Address to listen on; '*' means all addresses. These may be IPv4 and IPv6."), "ip"
    )
    ports = option(
        PortList(help="Ports to choose from; the first free one is used (default: any free port)."),
        *("ports", "port"),
        old=("regport",),
    )
    location = option(
        Unicode("", help="Address at which engines and clients reach the controller, if it cannot be detected."),
        "location",
    )
    reuse_files = option(
        Bool(
            default_value=False,
            help="Keep port, keys and connection files of the last start; engines that still run keep their ids.",
        ),
        "reuse",
    )
    restore_engines = option(
        Bool(
            default_value=False,
            help="Continue in the place of a controller that was killed, with its port, its keys and its engines. "
            "Unlike with --reuse, the connection files are removed when the controller stops.",
        ),
        "restore",
    )
    db_class = option(
        DatabaseName(),
        shortcuts={"dictdb": "DictDB", "nodb": "NoDB", "sqlitedb": "SQLiteDB", "mongodb": "MongoDB"},
    )
    drop_unfinished = option(
        Bool(
            default_value=False,
            help="Do not run the tasks that an earlier cluster has left unfinished in the database (SQLiteDB).",
        ),
        "drop-unfinished",
    )
    ssh_server = option(
        Unicode("", help="SSH server that clients tunnel through. It is written to their connection file."), "ssh"
    )
    engine_ssh_server = option(
        Unicode("", help="SSH server that engines tunnel through. It is written to their connection file."),
        "enginessh",
    )
    client_json_file = option(Unicode("", help="File name of the clients' connection file, in security/."))
    engine_json_file = option(Unicode("", help="File name of the engines' connection file, in security/."))
    reattach_grace = option(
        Float(2.0, min=0, help="Seconds to wait for an engine to reconnect; five times as long through an ssh tunnel.")
    )
    reconnect_timeout = option(
        Float(60.0, min=0, help="Seconds to wait for a machine that lost its network connection before giving it up.")
    )
    interrupt_grace = option(
        Float(
            5.0,
            min=0,
            help="Seconds that a task may take to end when it is interrupted by on_time_limit='restart' or "
            "cancel(force=True). Then its engine is restarted.",
        )
    )
    linger = option(Float(900.0, min=0, help="Seconds to keep the results of a client that has disconnected."))
    max_kept_bytes = option(
        Int(
            512 * 1024**2,
            min=0,
            help="Bytes of results and output to keep for one client until it has received them. At this limit, no "
            "more tasks of that client are started.",
        )
    )
    max_total_kept_bytes = option(
        Int(1024**3, min=0, help="The same for all clients together; a 32nd of max_kept_bytes each is not counted.")
    )
    max_input_bytes = option(
        Int(
            512 * 1024**2,
            min=0,
            help="Bytes of results to keep for one client because its unfinished tasks take them as arguments. Tasks "
            "that need more fail.",
        )
    )
    max_total_input_bytes = option(Int(1024**3, min=0, help="The same for all clients together."))
    max_submitted_bytes = option(
        Int(
            2 * 1024**3,
            min=0,
            help="Bytes that the unfinished tasks of one client may take in the controller; more tasks are refused. "
            "Arguments over 64 KiB are not counted.",
        )
    )
    max_kept_call_bytes = option(
        Int(
            256 * 1024**2,
            min=0,
            help="Bytes that the calls may take which one client keeps (keep=True) for engines that come later; more "
            "are refused.",
        )
    )
    max_idle_function_bytes = option(
        Int(64 * 1024**2, min=0, help="Bytes of functions to keep for later calls while no unfinished task uses them.")
    )
    max_shared_bytes = option(
        Int(
            -1,
            min=-1,
            help="Bytes of shared memory that one client may fill with arguments, and the engines of this machine "
            "together with results (-1: a quarter of the memory; 0: none). What does not fit is sent over the socket.",
        )
    )
    max_link_bytes = option(
        Int(
            8 * 1024**2,
            min=65536,
            help="Bytes of messages to buffer for a client that does not read them, apart from results. At this limit, "
            "no more tasks of that client are started; at eight times the limit, it is disconnected.",
        )
    )
    unresponsive = option(
        Float(6.0, min=0.1, help="Seconds without an answer after which an engine counts as unresponsive.")
    )
    unresponsive_timeout = option(
        Float(
            0.0,
            min=0,
            help="Seconds without an answer after which an engine is given up and its tasks run elsewhere (0: never).",
        )
    )
    lease = option(
        Float(
            60.0,
            min=0,
            help="Seconds that engines and a controller in batch jobs keep running after the ipcluster that started "
            "them is gone.",
        ),
        "lease",
    )
