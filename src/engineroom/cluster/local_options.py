"""What options of launchers say of a controller and engines that the host itself starts, on this machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from traitlets.config import Config

from engineroom.settings.option import configured

log = logging.getLogger(__name__)

_COMMON = frozenset({"LocalProcessLauncher", "BaseLauncher"})
_NOTHING: Mapping[str, str] = MappingProxyType({})


class ForkedEngines(NamedTuple):
    """`delay`: seconds between the starts of two; `environment`: further variables."""

    delay: float = 0.0
    environment: Mapping[str, str] = _NOTHING


class ControllerHere(NamedTuple):
    """`arguments`: as for `ipcontroller`; `environment`: further variables."""

    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = _NOTHING


def forked_engines(config: Config) -> ForkedEngines:
    """Return what `config` says of engines that the spawner forks."""
    if not _COMMON.union({"LocalEngineSetLauncher", "EngineLauncher"}).intersection(config):
        return ForkedEngines()
    from engineroom.settings.launchers import LocalEngineSetLauncher  # many classes, and few say something of this one

    options = configured(LocalEngineSetLauncher, config)
    return ForkedEngines(options.delay, options.environment)


def controller_here(config: Config) -> ControllerHere:
    """Return what `config` says of a controller that is the host's child."""
    if not _COMMON.union({"LocalControllerLauncher", "ControllerLauncher"}).intersection(config):
        return ControllerHere()
    from engineroom.settings.launchers import LocalControllerLauncher  # as above

    options = configured(LocalControllerLauncher, config)
    if options.controller_cmd:
        log.warning(
            "LocalControllerLauncher.controller_cmd is ignored: the controller of this machine belongs to ipcluster. "
            "To have it run by another command, start that by hand, and the engines by `ipcluster engines`"
        )
    return ControllerHere(options.controller_args, options.environment)
