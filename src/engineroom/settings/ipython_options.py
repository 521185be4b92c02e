"""Options of IPython's own classes, such as `InteractiveShellApp.exec_lines`: they are for the IPython of the engines.

IPython is imported only if somebody sets one of them: then they are checked as our own are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from traitlets import List, TraitError
from traitlets.config import Config, Configurable
from traitlets.config.loader import DeferredConfig, LazyConfigValue

from engineroom.settings.option import OptionError

_MODULES = {
    "AliasManager": "IPython.core.alias",
    "DisplayFormatter": "IPython.core.formatters",
    "HistoryManager": "IPython.core.history",
    "IPCompleter": "IPython.core.completer",
    "InteractiveShell": "IPython.core.interactiveshell",
    "InteractiveShellApp": "IPython.core.shellapp",
    "LoggingMagics": "IPython.core.magics.logging",
    "OSMagics": "IPython.core.magics.osm",
    "PlainTextFormatter": "IPython.core.formatters",
    "PrefilterManager": "IPython.core.prefilter",
    "ScriptMagics": "IPython.core.magics.script",
    "StoreMagics": "IPython.extensions.storemagic",
}
"""By class, the module that has it."""

_OTHERS = {"IPKernelApp": "InteractiveShellApp", "ZMQInteractiveShell": "InteractiveShell"}
"""Classes that engines of ipyparallel had instead, and what has their options here."""


def rename(config: Config) -> None:
    """Give options of IPython's classes in `config` the names that they have here."""
    for other, name in _OTHERS.items():
        if other in config:
            for option, value in config.pop(other).items():
                config[name].setdefault(option, value)


def classes_in(config: Config) -> list[type[Configurable]]:
    """Return the classes of IPython that have options in `config`."""
    return [_class(name) for name in _MODULES if name in config]


def ipython_options(config: Config) -> dict[str, dict[str, Any]]:
    """Return the options in `config` of IPython's classes, as values that JSON has.

    OptionError: a value makes no sense.
    """
    found: dict[str, dict[str, Any]] = {}
    for cls in classes_in(config):
        for name, value in config[cls.__name__].items():
            found.setdefault(cls.__name__, {})[name] = _value(cls, name, value)
    return found


def ipython_arguments(config: Config) -> Iterator[str]:
    """Yield the options in `config` of IPython's classes as arguments for `ipengine`."""
    for section, options in ipython_options(config).items():
        for name, value in options.items():
            yield f"--{section}.{name}={value}"


def _class(name: str) -> type[Configurable]:
    try:
        cls: type[Configurable] = getattr(import_module(_MODULES[name]), name)
    except ImportError as error:
        raise OptionError(f"{name} has options, and can't be imported: {error}") from None
    return cls


def _value(cls: type[Configurable], name: str, value: Any) -> Any:
    """Return what an option is set to, whether a file or a command line says it."""
    trait = cls.class_traits(config=True).get(name)
    if trait is None:
        return value  # it has been named as unknown
    holder: Any = cls.__new__(cls)
    if isinstance(value, DeferredConfig):
        value = value.get_value(trait)
        if isinstance(trait, List) and isinstance(value, str):
            value = [value]  # one of several, said alone
    elif isinstance(value, LazyConfigValue):
        value = value.get_value(trait.default(holder))
    try:
        value = trait._validate(holder, value)
        return json.loads(json.dumps(value, default=list))
    except (TraitError, TypeError) as error:
        raise OptionError(f"{cls.__name__}.{name}: {error}") from None
