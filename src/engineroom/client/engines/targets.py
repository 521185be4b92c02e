"""Resolving `targets` to engine ids."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any, SupportsIndex

from engineroom.client.state.engine_table import EngineTable
from engineroom.errors import NoEnginesRegistered

Targets = SupportsIndex | str | slice | Iterable[int] | None


def resolve(targets: Targets, engines: EngineTable) -> tuple[int, ...]:
    """Return the ids of the engines that `targets` names: "all" or None, an id, negative ids from the end, several.

    IndexError: one of them does not exist; it names those that do. NoEnginesRegistered: there is none at all.
    """
    ids = engines.ids
    if not ids:
        raise engines.nobody().with_traceback(None)
    if type(targets) is int:  # so nearly always
        return (targets if targets in ids else one(targets, engines),)
    if targets is None:
        return ids
    if isinstance(targets, str):
        if targets == "all":
            return ids
        raise TypeError(f"targets must be 'all', an engine id or a list of ids, not {targets!r}")
    if isinstance(targets, slice):
        return ids[targets]
    if isinstance(targets, Iterable) and not is_single(targets):
        return tuple(one(target, engines) for target in targets)
    return (one(targets, engines),)


def resolve_lasting(targets: Targets, engines: EngineTable) -> tuple[int, ...]:
    """Return what `resolve` does for calls that can wait: with engines that have left, which may be started again.

    The controller knows whether they are, and ends the call if not.
    """
    try:
        return resolve(targets, engines)
    except (IndexError, NoEnginesRegistered):
        if targets is None or isinstance(targets, str | slice):
            raise
        several: tuple[Any, ...] = (targets,) if is_single(targets) else tuple(targets)  # type: ignore[arg-type]  # iterable
        if not any(_has_left(target, engines) for target in several):
            raise
    return tuple([index(target) if _has_left(target, engines) else one(target, engines) for target in several])


def _has_left(target: Any, engines: EngineTable) -> bool:
    """Whether `target` is the id of an engine that was there, and is not."""
    try:
        number = index(target)
    except TypeError:
        return False
    return engines.get(number) is None and engines.instance(number) is not None


def one(target: Any, engines: EngineTable) -> int:
    """Return the engine id that `target`, an id or a negative index, means. IndexError: there is none, and why."""
    ids = engines.ids
    try:
        number = index(target)
    except TypeError:
        raise TypeError(f"{target!r} is not an engine id") from None
    if number < 0 and -number <= len(ids):
        return ids[number]
    if number not in ids:
        gone = engines.how_it_left(number)
        why = f"engine {number} has ended ({gone})" if gone else f"there is no engine {number}"
        again = f". If it is started again, `rc.wait_for_engines({len(ids) + 1})` waits for it" if gone else ""
        raise IndexError(f"{why}; the engines are {spell(ids)}{again}")
    return number


def is_single(targets: Targets) -> bool:
    """Whether the result is one value rather than a list."""
    if type(targets) is int:
        return True
    if targets is None or isinstance(targets, str | slice):
        return False
    try:
        index(targets)  # type: ignore[arg-type]  # an int of numpy, for example, or an array that holds one
    except TypeError:
        return not isinstance(targets, Iterable)
    return True


def spell(ids: tuple[int, ...]) -> str:
    """Return `ids` for people: runs are shortened."""
    runs: list[list[int]] = []
    for number in ids:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs) or "none"
