"""`%pxdiff`: which engines have which value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.client.engines.targets import is_single, spell
from engineroom.engine.fingerprints import Fingerprint, fingerprint_of
from engineroom.errors import EngineroomError
from engineroom.errors.remote import print_lines
from engineroom.magics.syntax import check_expression

if TYPE_CHECKING:
    from engineroom.client.views.direct import DirectView

_MOST_SHOWN = 20
"""Different values that are shown."""


def show_differences(view: DirectView[Any], expression: str) -> None:
    """Print which engines of `view` have which value of `expression`, the most common value first."""
    check_expression(expression)
    asked = view.with_flags(targets=[view.targets] if is_single(view.targets) else view.targets)
    result = asked.apply_async(fingerprint_of, expression)
    try:
        found: list[Any] = result.get(return_exceptions=True)
    except KeyboardInterrupt:
        result.abort()
        raise
    print_lines([told(expression, dict(zip((task.engine for task in result._tasks), found, strict=True)))])


def told(expression: str, found: dict[int, Fingerprint | BaseException]) -> str:
    """Return which of these engines agree, for people. `found`: what each engine has, or why it did not say."""
    groups: dict[Any, list[int]] = {}
    for engine, value in found.items():
        groups.setdefault(_key(value), []).append(engine)
    ordered = sorted(groups.values(), key=lambda engines: (-len(engines), engines))
    if len(ordered) == 1:
        return f"{expression}: {_agree(found[ordered[0][0]], len(found))}"
    lines = [f"{expression}: {len(ordered)} different values on {len(found)} engines"]
    most = ordered[0] if len(ordered[0]) > len(found) / 2 else None
    for engines in ordered[:_MOST_SHOWN]:
        where = _all_but(engines, found) if engines is most else spell(tuple(sorted(engines)))
        lines.append(f"[{where}] {_summary(found[engines[0]])}")
    if len(ordered) > _MOST_SHOWN:
        lines.append(f"... {len(ordered) - _MOST_SHOWN} more values ...")
    return "\n".join(lines)


def _key(value: Fingerprint | BaseException) -> Any:
    if isinstance(value, BaseException):
        return type(value), str(getattr(value, "evalue", value))
    return (value.missing, value.digest or value.summary)


def _agree(value: Fingerprint | BaseException, count: int) -> str:
    if isinstance(value, BaseException) or value.missing:
        return _summary(value)
    whose = "the engine has" if count == 1 else f"all {count} engines have"
    if not value.digest:
        return f"{whose} {value.summary}; values of this type cannot be compared"
    return f"{whose} {'' if count == 1 else 'the same value: '}{_summary(value)}"


def _summary(value: Fingerprint | BaseException) -> str:
    if isinstance(value, EngineroomError):
        return f"no answer: {value}"
    if isinstance(value, BaseException):
        return f"no answer: {type(value).__name__}: {value}"
    if value.missing:
        return f"no value: {value.summary}"
    return f"{value.summary} #{value.digest}" if value.digest else f"{value.summary} (cannot be compared)"


def _all_but(engines: list[int], found: dict[int, Any]) -> str:
    """Return "0-15 except 7": what a majority is called, where that is shorter."""
    others = tuple(sorted(set(found) - set(engines)))
    plain = spell(tuple(sorted(engines)))
    said = f"{spell(tuple(sorted(found)))} except {spell(others)}"
    return said if plain.count(",") >= len(others) and len(said) <= len(plain) + len(" except ") else plain
