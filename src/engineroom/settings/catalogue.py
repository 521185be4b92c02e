"""All classes with options, by the file of a profile that is theirs."""

from __future__ import annotations

from traitlets.config import Configurable

from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.cluster import Cluster, IPClusterEngines, IPClusterStart, IPClusterStop
from engineroom.settings.controller import HeartMonitor, IPController, TaskScheduler
from engineroom.settings.databases import DATABASES
from engineroom.settings.engine import IPEngine
from engineroom.settings.launchers import LAUNCHER_CLASSES
from engineroom.settings.winhpc import WINHPC_CLASSES

FILES: dict[str, tuple[type[Configurable], ...]] = {
    "ipcluster": (Cluster, IPClusterStart, IPClusterStop, *LAUNCHER_CLASSES, *WINHPC_CLASSES),
    "ipcontroller": (IPController, TaskScheduler, HeartMonitor, *DATABASES),
    "ipengine": (IPEngine,),
}
"""By program: `PROGRAM_config.py` is where the options of these classes are looked for first."""

CLASSES: tuple[type[Configurable], ...] = (
    *(cls for classes in FILES.values() for cls in classes),
    IPClusterEngines,
    BaseParallelApplication,
)
"""Every class with options that a profile's file may set."""
