"""Options of IPython.parallel and ipyparallel that say nothing here: accepted, ignored, and named once.

Most of them are about ZeroMQ: its channels, each with ports of its own, its threads, and CURVE. There is one port here,
and it is always encrypted.
"""

from __future__ import annotations

_CURVE = ("curve_publickey", "curve_secretkey", "curve_serverkey", "enable_curve")
OF_TRAITLETS = ("log_datefmt", "log_format", "logging_config")
"""Options that each application of traitlets has, for a logging that is not ours."""

_EVERY_APPLICATION = (
    *OF_TRAITLETS,
    *("auto_create", "copy_config_files", "extra_config_file", "log_url", "overwrite", "verbose_crash"),
)

WHOLE_CLASSES = frozenset({"BaseDB", "Hub", "IPClusterClean", "IPClusterList", "LogWatcher", "NoDB", "Session"})

OPTIONS: dict[str, tuple[str, ...]] = {
    "Cluster": ("load_profile", "send_engines_connection_env"),
    "HeartMonitor": ("debug", "hb_url"),
    "IPClusterEngines": (*_EVERY_APPLICATION, "early_shutdown"),
    "IPClusterStart": (*_EVERY_APPLICATION, "early_shutdown", "reset"),
    "IPClusterStop": (*_EVERY_APPLICATION, "signal"),
    "IPController": (
        *_EVERY_APPLICATION,
        *_CURVE,
        *("control", "hb", "iopub", "mux", "notifier_port", "mon_port", "task"),
        *("client_ip", "client_ports", "client_transport", "engine_ip", "engine_ports", "engine_transport"),
        *("monitor_ip", "monitor_transport", "monitor_url", "registration_timeout", "transport"),
        *("broadcast_scheduler_depth", "import_statements", "mq_class", "secure", "use_threads"),
    ),
    "IPEngine": (
        *_EVERY_APPLICATION,
        *_CURVE,
        *("display_hook_factory", "enable_nanny", "max_heartbeat_misses", "out_stream_factory", "paramiko"),
        *("mpi_registration_delay", "secure", "shell_factory"),
    ),
    "TaskScheduler": ("debug", "hwm"),
}
"""By class, the names of its options that have no meaning."""

WITHOUT_MEANING = WHOLE_CLASSES | OPTIONS.keys() | {"Application", "BaseParallelApplication"}
"""Every class that has such options."""

FLAGS = {
    "hwm": "TaskScheduler.hwm",
    "ident": "Session.session",
    "keyfile": "Session.keyfile",
    "log-url": "BaseParallelApplication.log_url",
    "signal": "IPClusterStop.signal",
    "transport": "IPController.transport",
    "user": "Session.username",
}
"""Flags with a value, and the option that each set."""

SWITCHES = {
    "no-secure": "Session.key",
    "secure": "Session.key",
    "usethreads": "IPController.use_threads",
}
"""Flags without one."""


def says_nothing(section: str, name: str) -> bool:
    """Return whether the option is one of those."""
    return (
        section in WHOLE_CLASSES
        or name in OPTIONS.get(section, ())
        or (section in {"Application", "BaseParallelApplication"} and name in _EVERY_APPLICATION)
    )
