"""Outputs that are alike are shown once, with the engines that they come from."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

Out = TypeVar("Out")
"""An output, of whatever kind."""

_SHOWN_RANGES = 12
_FEW = 3
"""Engines are exceptions if there are so many times more of the others."""


class Section(NamedTuple, Generic[Out]):
    """An output, and where it comes from. `engines`: one for each task that wrote it, in order; -1: not known."""

    engines: tuple[int, ...]
    output: Out


def folded(outputs: Iterable[tuple[int, Out, Hashable]], *, fold: bool = True) -> list[Section[Out]]:
    """Return `outputs` (engine, output, key) as sections, in the order in which they come first.

    Those with equal keys are one section, with the output of the first of them. Without `fold`, each is its own.
    """
    if not fold:
        return [Section((engine,), output) for engine, output, _ in outputs]
    found: dict[Hashable, tuple[list[int], Out]] = {}
    for engine, output, key in outputs:
        found.setdefault(key, ([], output))[0].append(engine)
    return [Section(tuple(engines), output) for engines, output in found.values()]


def spelled(engines: Iterable[int], among: Iterable[int] = ()) -> str:
    """Return "0-3, 7", or "0-15 except 7" if few are missing; "?" for engines that are not known.

    `among`: the engines that could have been meant, so that ids that no engine has are no exception. With more tasks
    than engines, the number of tasks stands behind: "0-3, 17 times".
    """
    tasks = list(engines)
    known = sorted({engine for engine in tasks if engine >= 0})
    if not known:
        return "?"
    text = _shortest(known, sorted({*among, *known}))
    if -1 in tasks:
        text += ", ?"
    return text if len(tasks) == len(set(tasks)) else f"{text}, {len(tasks)} times"


def _shortest(known: list[int], among: list[int]) -> str:
    places = {engine: place for place, engine in enumerate(among)}
    plain = _ranges(known, places)
    first, last = places[known[0]], places[known[-1]]
    others = [engine for engine in among[first : last + 1] if engine not in set(known)]
    if not others:
        return plain
    few = len(others) * _FEW <= len(known)
    return f"{known[0]}-{known[-1]} except {_ranges(others, places)}" if few else plain


def _ranges(numbers: list[int], places: dict[int, int]) -> str:
    """Return "0-3, 7": runs of engines that come one after the other."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and places[number] == places[runs[-1][1]] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    more = len(texts) - _SHOWN_RANGES
    return ", ".join(texts[:_SHOWN_RANGES] + ([f"and {more} more"] if more > 0 else []))
