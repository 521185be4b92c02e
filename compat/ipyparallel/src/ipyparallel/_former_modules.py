"""Modules of ipyparallel that engineroom does not have: their names are found where engineroom has them."""

from __future__ import annotations

from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_DATABASES, _APP, _PACKING = "engineroom.settings.databases", "ipyparallel.apps.ipclusterapp", "engineroom.serialize"
_MAPS, _JOBLIB = "ipyparallel._maps", "ipyparallel.joblib"

FORMER: dict[str, dict[str, str]] = {
    "client.map": dict.fromkeys(("Map", "RoundRobinMap", "dists", "mappable"), _MAPS),
    "client._joblib": dict.fromkeys(("IPythonParallelBackend", "register"), _JOBLIB),
    "controller.dictdb": {"DictDB": _DATABASES},
    "controller.sqlitedb": {"SQLiteDB": _DATABASES},
    "controller.mongodb": {"MongoDB": _DATABASES},
    "controller.heartmonitor": {"HeartMonitor": "engineroom.settings.controller"},
    "controller.hub": {},
    "cluster.app": dict.fromkeys(("IPClusterStart", "launch_new_instance", "main"), _APP),
    "serialize.serialize": dict.fromkeys(
        ("PrePickled", "deserialize_object", "pack_apply_message", "serialize_object", "unpack_apply_message"), _PACKING
    ),
    "serialize.codeutil": {},
}
"""By module: its names, and the modules in which they are found."""

_WHY = {
    "controller.hub": "the controller is one program without a hub: set its options on `c.IPController`",
    "serialize.codeutil": "code objects travel without it: use `engineroom.serialize.can`",
}


class FormerModule(Loader):
    """Makes the module `name`, whose names are imported when they are first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> None:
        """Have an ordinary module made."""

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its names."""
        homes, why = FORMER[self._name], _WHY.get(self._name, "")

        def find(name: str) -> Any:
            if name in homes:
                return getattr(import_module(homes[name]), name)
            words = f"engineroom, which stands in for ipyparallel, has no {name!r} in {module.__name__}"
            raise AttributeError(f"{words}: {why}" if why else words)

        vars(module).update(__all__=list(homes), __getattr__=find, __doc__=f"The names of ipyparallel.{self._name}.")
