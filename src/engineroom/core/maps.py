"""Which tasks are one map: each is a call of its own, but whoever attaches to one of them means the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.protocol.messages import Submit

if TYPE_CHECKING:  # tasks know sessions
    from engineroom.core.sessions import Session


def span_of(number: int, of_map: tuple[int, int] | None) -> tuple[int, int]:
    """Return the first and the last task of the map that task `number` is a part of; of itself, if it is of none."""
    if of_map is None:
        return number, number
    first, count = of_map[0] or number, max(1, of_map[1])
    return first, first + count - 1


def note_map(session: Session, number: int, of_map: tuple[int, int], most: int) -> None:
    """A part of a map has come. `most`: so many maps of each client are known, the latest ones."""
    first, last = span_of(number, of_map)
    if first not in session.maps and first < last:
        session.maps[first] = last
        if len(session.maps) > most:
            del session.maps[next(iter(session.maps))]


def map_of(session: Session, number: int) -> tuple[int, int] | None:
    """Return the first and the last task of the map that a task is a part of, as far as they have come; None: of none.

    None as well if other calls were submitted in between: then nobody can tell which tasks it has.
    """
    for first, last in session.maps.items():
        if first <= number <= last:
            there = min(last, session.known_up_to)
            tasks = (session.tasks.get(each) for each in range(first, there + 1))
            if all(task is None or _is_part(task.submit, first, last) for task in tasks):
                return first, there
    return None


def _is_part(submit: Submit, first: int, last: int) -> bool:
    return span_of(int.from_bytes(submit.task[16:]), submit.options.of_map) == (first, last)
