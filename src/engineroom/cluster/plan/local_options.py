"""What options of launchers say of a controller and engines that the host itself starts, on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from traitlets.config import Config

from engineroom.engine.config import GRACE
from engineroom.settings.option import configured

_COMMON = frozenset({"LocalProcessLauncher", "BaseLauncher"})
_NOTHING: Mapping[str, str] = MappingProxyType({})


class ForkedOptions(NamedTuple):
    """`delay`: seconds between the starts of two; `environment`: further variables; `grace`: seconds from asking one to
    end until it is killed."""

    delay: float = 0.0
    environment: Mapping[str, str] = _NOTHING
    grace: float = GRACE


class ControllerHere(NamedTuple):
    """`arguments`: as for `ipcontroller`; `environment`: further variables; `seconds`: that it may take to listen."""

    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = _NOTHING
    seconds: float = 60.0


def forked_options(config: Config) -> ForkedOptions:
    """Return what `config` says of engines that the spawner forks."""
    if not _COMMON.union({"LocalEngineSetLauncher", "EngineLauncher"}).intersection(config):
        return ForkedOptions()
    from engineroom.settings.launchers import LocalEngineSetLauncher  # many classes, and few say something of this one

    options = configured(LocalEngineSetLauncher, config)
    grace = options.stop_seconds_until_kill
    return ForkedOptions(options.delay, options.environment, GRACE if grace is None else grace)


def controller_here(config: Config) -> ControllerHere:
    """Return what `config` says of a controller that is the host's child."""
    if not _COMMON.union({"LocalControllerLauncher", "ControllerLauncher"}).intersection(config):
        return ControllerHere()
    from engineroom.settings.launchers import LocalControllerLauncher  # as above

    options = configured(LocalControllerLauncher, config)
    return ControllerHere(options.controller_args, options.environment, options.connection_info_timeout)
