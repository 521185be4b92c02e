"""The classes with the options of launchers, by their names: ours, and those of the user's own modules."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence

from traitlets import TraitError
from traitlets.config import Config

from engineroom.machine.own_modules import importable
from engineroom.settings.launcher_kinds import CONTROLLER, ENGINE
from engineroom.settings.launchers import LAUNCHER_CLASSES, LAUNCHERS, BaseLauncher
from engineroom.settings.option import OptionError
from engineroom.settings.own_classes import OwnClass, own_class_path

_DERIVED_FROM = {CONTROLLER: "ControllerLauncher", ENGINE: "EngineLauncher"}
_NAMED_BY = ("engine_launcher_class", "controller_launcher_class")


def launcher_class(name: str, *, controller: bool, places: Sequence[str] = ()) -> type[BaseLauncher]:
    """Return the class of the launcher called `name`, a short one or `module.Class`; OptionError: it can't be had.

    `controller`: it is to start one, not engines. `places`: directories in which the module may be, beside those where
    Python looks.
    """
    if name in LAUNCHERS:
        return LAUNCHERS[name][0 if controller else 1]
    cls: type[BaseLauncher] = name.cls if isinstance(name, OwnClass) else import_launcher(name, places)
    role = CONTROLLER if controller else ENGINE
    if role not in cls.launcher_roles:
        what = "controller" if controller else "engines"
        raise OptionError(f"the launcher {name} cannot start {what}: derive it from {_DERIVED_FROM[role]}")
    return cls


def import_launcher(path: str, places: Sequence[str] = ()) -> type[BaseLauncher]:
    """Return the launcher `module.Class`; OptionError says why it is none, or can't be had."""
    module, _, name = path.rpartition(".")
    try:
        with importable(places):
            found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        words = f"the launcher {path} can't be imported: {error.msg}"
        if error.name and f"{module}.".startswith(f"{error.name}."):
            also = f", in {' and '.join(places)}" if places else ""
            words += f". Modules are looked for where {sys.executable} finds them{also}; put it there, or on PYTHONPATH"
        raise OptionError(words) from error
    except Exception as error:  # whatever the user's module does wrong
        raise OptionError(f"the launcher {path} can't be imported: {type(error).__name__}: {error}") from error
    cls = getattr(found, name, None)
    if cls is None:
        raise OptionError(f"the launcher {path} does not exist: {found.__file__} has no {name}")
    if not (isinstance(cls, type) and issubclass(cls, BaseLauncher)):
        raise OptionError(
            f"{path} is not a launcher class: derive it from EngineLauncher, ControllerLauncher, or another class of "
            "engineroom.cluster.launcher"
        )
    return cls


def own_launchers(configs: Iterable[Config], places: Sequence[str]) -> list[type[BaseLauncher]]:
    """Return the launchers of the user's own: those that one of `configs` names, and those imported already.

    One that can't be imported is left out: whoever wants to start something by it will say so.
    """
    for config in configs:
        for option in _NAMED_BY:
            value = config.Cluster.get(option) if "Cluster" in config else None
            try:
                path = own_class_path(value) if isinstance(value, str | type) else None
                if path and not isinstance(path, OwnClass):
                    import_launcher(path, places)
            except (OptionError, TraitError):
                continue
    return [cls for cls in _descendants(BaseLauncher) if cls not in LAUNCHER_CLASSES]


def _descendants(cls: type[BaseLauncher]) -> list[type[BaseLauncher]]:
    children = cls.__subclasses__()
    return list(dict.fromkeys([*children, *(each for child in children for each in _descendants(child))]))
