"""What few calls ask for: flags of views, checked when they are set, and the Terms that they make together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

from engineroom.client.arguments import given_numbers
from engineroom.client.arguments.conditions import seconds_of
from engineroom.client.arguments.dependency import ids_in
from engineroom.client.arguments.switches import switch
from engineroom.protocol.messages import Terms
from engineroom.protocol.ranges import MOST_SECONDS
from engineroom.settings.amounts import MOST_NAMES, amount_of, resources_of, tags_of

OnTimeLimit = Literal["interrupt", "restart"]
"""What happens to an engine whose task goes on beyond its time limit: nothing, or it is restarted."""

LIMIT_FLAGS = frozenset({"time_limit", "on_time_limit"})
"""Flags of all views..."""
NEED_FLAGS = frozenset({"resources", "gpu", "memory", "tag"})
"""... and of those that choose the engine."""
IN_TERMS = LIMIT_FLAGS | NEED_FLAGS


def _time_limit(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str | bytes | bool) or not hasattr(value, "__float__"):
        raise TypeError(f"time_limit must be a number of seconds, or None for no limit, not {value!r}")
    if not math.isfinite(float(value)) or not 0 < float(value) <= MOST_SECONDS:
        raise ValueError(
            f"time_limit must be a number of seconds above 0 (at most {MOST_SECONDS:g}), or None for no limit, not "
            f"{value!r}"
        )
    return value


def _on_time_limit(value: Any) -> Any:
    if value not in {"interrupt", "restart"}:
        raise ValueError(f"on_time_limit must be 'interrupt' or 'restart', not {value!r}")
    return value


def _amount(name: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is not None:
            amount_of(name, value)
        return value

    return check


def _resources(value: Any) -> Any:
    _check_number("resources", resources_of(value))
    return dict(value) if isinstance(value, Mapping) else value


def _tag(value: Any) -> Any:
    _check_number("tags", tags_of(value, "tag"))
    return value


def _check_number(what: str, found: tuple[Any, ...]) -> None:
    if len(found) >= MOST_NAMES - 1:  # `gpu` and `memory` may come on top
        raise ValueError(f"a call can ask for at most {MOST_NAMES - 2} {what}, not {len(found)}")


def _others(flag: str, value: Any) -> Any:
    if value is not None:
        ids_in(flag, value)
    return value


def _timeout(value: Any) -> Any:
    if value is not None:
        seconds_of(value)
    return value


_SWITCHES = ("block", "track", "is_coalescing", "rerun_lost")

_CHECKS: dict[str, Callable[[Any], Any]] = {
    **{name: partial(switch, name) for name in _SWITCHES},
    "after": lambda value: _others("after", value),
    "follow": lambda value: _others("follow", value),
    "timeout": _timeout,
    "retries": lambda value: given_numbers.whole("retries", value),
    "priority": lambda value: given_numbers.whole("priority", value),
    "time_limit": _time_limit,
    "on_time_limit": _on_time_limit,
    "resources": _resources,
    "gpu": _amount("gpu"),
    "memory": _amount("memory"),
    "tag": _tag,
}
CHECKED = frozenset(_CHECKS)
"""Flags whose values are checked when they are set."""


def checked(name: str, value: Any) -> Any:
    """Return the value of one of the CHECKED flags; TypeError or ValueError: it is not valid."""
    try:
        return _CHECKS[name](value)
    except OverflowError:
        raise ValueError(f"{name} is out of range: {value!r}") from None


class Limited(Protocol):
    """A view, as far as its flags go; some have more of them."""

    _flag_names: ClassVar[frozenset[str]]
    time_limit: float | None
    on_time_limit: OnTimeLimit


def terms_of(view: Limited) -> Terms | None:
    """Return what the calls of `view` ask for, None for nothing."""
    flags: Any = view
    limit = 0.0 if view.time_limit is None else float(view.time_limit)
    restart = bool(limit) and view.on_time_limit == "restart"
    if "resources" not in view._flag_names:
        return Terms(limit, restart) if limit else None
    named = {name: value for name in ("gpu", "memory") if (value := getattr(flags, name)) is not None}
    resources, tags = resources_of({**(flags.resources or {}), **named}), tags_of(flags.tag)
    return Terms(limit, restart, resources, tags) if limit or resources or tags else None
