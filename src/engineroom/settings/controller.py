"""The options of the controller."""

from __future__ import annotations

from traitlets import Bool, CaselessStrEnum, Float, Int, Unicode
from traitlets.config import Configurable

from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.named import Named
from engineroom.settings.option import PortList, option

POLICIES = ("leastload", "lru", "plainrandom", "pure", "twobin", "weighted")


class TaskScheduler(Configurable):
    """Who gets a load-balanced task."""

    scheme_name = option(
        CaselessStrEnum(POLICIES, "leastload", help="The policy by which an engine is chosen."), "scheme"
    )


class HeartMonitor(Configurable):
    """When a machine that says nothing counts as cut off."""

    period = option(Int(3000, min=1, help="Milliseconds between signs of life."), "ping")
    max_heartmonitor_misses = option(Int(10, min=1, help="How many may be missing in a row."))


class IPController(BaseParallelApplication):
    """Start the controller of a cluster: what engines and clients connect to."""

    name = Unicode("ipcontroller")
    config_name = "ipcontroller"
    option_classes = (TaskScheduler, HeartMonitor)
    flag_classes = option_classes
    old_classes = ("IPControllerApp", "HubFactory")
    examples = Unicode("ipcontroller --ip=* --ports=10101-10120    # listen on all addresses, on a known port")

    ip = option(Unicode("127.0.0.1", help="Address to listen on; * for all, IPv4 and IPv6."), "ip")
    ports = option(
        PortList(help="Ports to choose from, the first free one is taken; default: any."),
        *("ports", "port"),
        old=("regport",),
    )
    location = option(
        Unicode("", help="Address under which engines and clients reach the controller, where it can't be guessed."),
        "location",
    )
    reuse_files = option(
        Bool(default_value=False, help="Keep port, keys and connection files from start to start."), "reuse"
    )
    db_class = option(
        Named(
            "DictDB",
            what="database",
            choices={"DictDB": (), "NoDB": ()},
            later=("SQLiteDB", "MongoDB"),
            words="Where finished tasks are kept: DictDB (in memory) or NoDB.",
        ),
        shortcuts={"dictdb": "DictDB", "nodb": "NoDB", "sqlitedb": "SQLiteDB", "mongodb": "MongoDB"},
    )
    ssh_server = option(Unicode("", help="ssh server noted in the clients' connection file."), "ssh")
    engine_ssh_server = option(Unicode("", help="ssh server noted in the engines' connection file."), "enginessh")
    client_json_file = option(Unicode("", help="Name of the clients' connection file in security/."))
    engine_json_file = option(Unicode("", help="Name of the engines' connection file in security/."))
    reattach_grace = option(
        Float(
            2.0, min=0, help="Seconds that an engine may take to connect again; five times that through an ssh tunnel."
        )
    )
    reconnect_timeout = option(Float(60.0, min=0, help="Seconds that a machine cut off by the network may be away."))
    lease = option(
        Float(
            60.0,
            min=0,
            help="Seconds that engines in batch jobs, and a controller in one, go on without the ipcluster that had "
            "them started.",
        ),
        "lease",
    )
