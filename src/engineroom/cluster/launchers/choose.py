"""From the options of a launcher, which travel as JSON, to the launcher."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any, cast

from traitlets.config import Config

from engineroom.cluster.launchers.launcher import CONTROLLER, Launcher
from engineroom.cluster.launchers.spec import LauncherSpec
from engineroom.errors import LaunchError
from engineroom.settings.launchers import LAUNCHERS, BaseLauncher
from engineroom.settings.option import OptionError, configured


def spec_of(name: str, role: str, config: Config) -> LauncherSpec:
    """Return the launcher called `name` with its options in `config`; OptionError says what is wrong with them.

    `name`: a short one, or `module.Class`. `role`: ENGINE or CONTROLLER.
    """
    if name in LAUNCHERS:
        controllers, engines = LAUNCHERS[name]
        cls: type[BaseLauncher] = controllers if role == CONTROLLER else engines
    else:
        cls = _import(name)
    options = configured(cls, config)
    defaults = cls()
    values = {
        trait: _as_json(getattr(options, trait))
        for trait in cls.class_trait_names(config=True)
        if getattr(options, trait) != getattr(defaults, trait)
    }
    try:
        json.dumps(values)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"an option of {name} is neither text nor number nor a list or dict of them: {error}"
        ) from None
    return LauncherSpec(f"{cls.__module__}.{cls.__qualname__}", values)


def options_of(spec: LauncherSpec) -> BaseLauncher:
    """Return the options that `spec` tells of."""
    return _import(spec.cls)(**spec.options)


def launcher_for(options: BaseLauncher) -> Launcher:
    """Return what starts things as `options` say: of ours, or the options themselves if they can."""
    if hasattr(options, "start"):
        return cast(Launcher, options)
    raise LaunchError(f"{type(options).__name__} starts nothing: it has no method `start`")


def _import(path: str) -> type[BaseLauncher]:
    module, _, name = path.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise OptionError(f"the launcher {path} can't be imported: {error}") from error
    if not (isinstance(cls, type) and issubclass(cls, BaseLauncher)):
        raise OptionError(f"{path} is no launcher: it must be a class derived from engineroom.cluster.launcher's")
    return cls


def _as_json(value: Any) -> Any:
    return value.pattern if isinstance(value, re.Pattern) else value
