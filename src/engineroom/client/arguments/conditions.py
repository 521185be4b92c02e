"""What `after` and `follow` name, as the controller is told it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from engineroom.client.arguments import given_numbers
from engineroom.client.arguments.dependency import Dependency, ids_in
from engineroom.ids import parse_msg_id
from engineroom.protocol.messages import Awaits, Condition
from engineroom.protocol.ranges import MOST_SECONDS, MOST_SPANS
from engineroom.protocol.spans import spans_of


def awaits_of(after: Any, follow: Any, timeout: Any) -> Awaits | None:
    """Return what the flags of a view say, None for nothing. TypeError, ValueError: what is wrong with them."""
    seconds = 0.0 if timeout is None else seconds_of(timeout)
    awaits = Awaits(_condition("after", after), _condition("follow", follow), seconds)
    return None if awaits == Awaits() else awaits


def seconds_of(timeout: Any) -> float:
    """Return how long tasks wait for others. TypeError, ValueError: it is no number of seconds above 0."""
    if isinstance(timeout, timedelta):
        timeout = timeout.total_seconds()
    seconds = given_numbers.seconds("timeout", timeout)
    if not seconds > 0:
        raise ValueError(f"timeout must be more than 0 s, not {timeout!r}; None: no limit")
    return min(seconds, MOST_SECONDS)  # longer than anybody waits


def _condition(flag: str, value: Any) -> Condition | None:
    if value is None:
        return None
    ids = ids_in(flag, value)
    if not ids:
        return None
    how = value if isinstance(value, Dependency) else _DEFAULT
    return Condition(_spans_in(flag, ids), how.all, how.success, how.failure)


_DEFAULT = Dependency()


def _spans_in(flag: str, ids: Iterable[str]) -> tuple[tuple[bytes, int, int], ...]:
    """Return the tasks with these ids as ranges. ValueError: one is no id, or they are too many."""
    spans = spans_of(map(parse_msg_id, ids))
    if len(spans) > MOST_SPANS:
        raise ValueError(
            f"{flag} names tasks in {len(spans)} separate ranges, and the limit is {MOST_SPANS}; wait for some first"
        )
    return spans
