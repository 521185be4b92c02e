"""A direct call to an engine that has been restarted finds an empty namespace, and one to all engines may find fewer.

Both are said once."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from engineroom.client.engines.targets import spell

if TYPE_CHECKING:
    from engineroom.client.state.engine_table import Engine, EngineTable
    from engineroom.client.state.state import State

log = logging.getLogger(__name__)

_WANTED = "stopped by its host"
"""Whoever has had engines restarted knows that they are empty."""


def warn_of_renewed(state: State, engines: Iterable[Engine]) -> None:
    """Warn of those of `engines` that are new processes, unless calls are kept for them; once for each."""
    table = state.engines
    alike: dict[tuple[str, str], list[int]] = {}
    for engine in engines:
        since = table.renewed.pop(engine.id, None)
        if since is None or any(kept.is_for(engine.id) for kept in state.kept.all()):
            continue
        cause = table.cause_of_renewal(engine.id)
        if cause != _WANTED:
            alike.setdefault((time.strftime("%H:%M", time.localtime(since)), cause), []).append(engine.id)
    for (at, cause), ids in alike.items():
        one = len(ids) == 1
        log.warning(
            "%s since %s: the earlier %s ended (%s), and %s variables are gone. To have variables, imports and "
            "functions there after each restart, keep them: `view.push(..., keep=True)`",
            f"{_engines(sorted(ids))} {'is a new process' if one else 'are new processes'}",
            at,
            "one" if one else "ones",
            cause,
            "its" if one else "their",
        )


def warn_of_missing(table: EngineTable) -> None:
    """Warn of engines that have died, and which a call to all engines does not reach; once for each death."""
    causes: dict[str, list[int]] = {}
    for engine, cause in sorted(table.missing.items()):
        causes.setdefault(cause, []).append(engine)
    table.missing.clear()
    ids = table.ids
    died = ", ".join(f"{_engines(its)} died ({cause})" for cause, its in causes.items())
    log.warning(
        "%s: this call goes to %s only. If other processes are started in their place, "
        "`rc.wait_for_engines(%d)` waits for them",
        died,
        _engines(ids),
        len(ids) + sum(map(len, causes.values())),
    )


def _engines(ids: Iterable[int]) -> str:
    several = tuple(ids)
    return f"engine{'' if len(several) == 1 else 's'} {spell(several)}"
