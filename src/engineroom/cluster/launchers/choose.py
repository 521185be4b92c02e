"""From the options of a launcher, which travel as JSON, to the launcher."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from traitlets import TraitError
from traitlets.config import Config

from engineroom.cluster.launchers.launcher import CONTROLLER, Launcher
from engineroom.cluster.launchers.spec import LauncherSpec
from engineroom.machine.own_modules import stay_importable
from engineroom.machine.surroundings import own_module_path
from engineroom.settings.launcher_classes import import_launcher, launcher_class
from engineroom.settings.launcher_kinds import KINDS, loaded
from engineroom.settings.launchers import BaseLauncher
from engineroom.settings.option import OptionError, configured, no_sense
from engineroom.settings.own_classes import OwnClass


def spec_of(name: str, role: str, config: Config, places: Sequence[str] = ()) -> LauncherSpec:
    """Return the launcher called `name` with its options in `config`; OptionError says what is wrong with them.

    `name`: a short one, or `module.Class`. `role`: ENGINE or CONTROLLER. `places`: directories in which the module may
    be, beside those where Python looks.
    """
    cls = launcher_class(name, controller=role == CONTROLLER, places=places)
    options = configured(cls, config)
    defaults = cls()
    try:
        values = {
            trait: _as_json(getattr(options, trait))
            for trait in cls.class_trait_names(config=True)
            if getattr(options, trait) != getattr(defaults, trait)
        }
        json.dumps(values)
    except TraitError as error:  # a default of the user's own class
        raise no_sense(error) from error
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"an option of {name} is neither text nor number nor a list or dict of them: {error}"
        ) from None
    # The host that is to import it may be another process, for which Python looks elsewhere.
    modules = [] if name in KINDS else list(dict.fromkeys([*own_module_path(), *places]))
    return LauncherSpec(f"{cls.__module__}.{cls.__qualname__}", values, modules, _pickled(name))


def options_of(spec: LauncherSpec) -> BaseLauncher:
    """Return the options that `spec` tells of."""
    stay_importable(spec.places)  # a launcher may import more when it is used
    return _class_of(spec)(**spec.options)


def _pickled(name: str) -> bytes:
    """Return a class that was made in a script, a notebook or a function, for the process that is to use it."""
    if not isinstance(name, OwnClass):
        return b""
    from engineroom.serialize.by_value.local_classes import pack_class  # for few

    try:
        return pack_class(name.cls)
    except Exception as error:  # whatever the class refers to
        raise OptionError(
            f"the launcher {name} cannot be sent to the process that uses it: {type(error).__name__}: {error}. "
            "Put it into a module of its own"
        ) from error


def _class_of(spec: LauncherSpec) -> type[BaseLauncher]:
    if not spec.pickled:
        return import_launcher(spec.cls)
    from engineroom.serialize.by_value.local_classes import unpack_class  # as above

    return unpack_class(spec.pickled)


def launcher_for(options: BaseLauncher, shared: dict[str, Any] | None = None) -> Launcher:
    """Return what starts things as `options` say: of ours, or of the user's own if it has the methods for that.

    `shared`: what the launchers of one host have in common, {} at first.
    """
    launcher: Launcher = loaded(options.launcher_kind.launcher)(options, {} if shared is None else shared)
    return launcher


def _as_json(value: Any) -> Any:
    return value.pattern if isinstance(value, re.Pattern) else value
