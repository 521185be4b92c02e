"""Conditions on how other tasks end, and where they ran."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engineroom.core.edges import AFTER, FOLLOW, Gate, Prerequisites
from engineroom.core.ends import PLACES
from engineroom.core.inputs import life_of
from engineroom.core.refusals import Refusal, how_it_ended, name_of
from engineroom.core.results import cannot
from engineroom.core.sessions import Session
from engineroom.core.tasks import Kept
from engineroom.protocol.messages import Condition, Outcome, Status
from engineroom.protocol.task_ranges import Range, found_in, numbers_in

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState

_FORGOTTEN_PLACE = "the controller does not remember where the tasks ran that it follows"


def gate_of(
    state: ControllerState, session: Session, condition: Condition, ranges: list[Range], *, follow: bool
) -> tuple[Gate | None, list[int]]:
    """Return what is left of a condition, None for nothing, and the tasks that have not ended. Refusal: never met."""
    left = found_in(ranges, session.tasks)
    if session.unsent:
        left += found_in(ranges, session.unsent)
    count = sum(last - first + 1 for first, last in ranges) - len(left)
    if count and ranges[0][0] <= session.ends.forgotten_up_to:
        raise Refusal(
            f"the controller does not remember how {name_of(session, ranges[0][0])} ended, on which it depends",
            name="InvalidDependency",
        )
    failed = session.ends.count_failed(ranges) if count else 0
    good = (count - failed) * condition.success + failed * condition.failure
    if condition.every and good < count:
        raise Refusal(_wrong_end(session, condition, ranges, failed))
    gate = Gate(condition.every, condition.success, condition.failure, len(left))
    if follow:
        gate.lives = _lives(state, session, condition, ranges, left, count)
    if not condition.every and good:
        return (gate if follow else None), []
    if not condition.every and not left and count:
        raise Refusal(_none_of(condition))
    return (gate if left or (follow and count) else None), left


def _wrong_end(session: Session, condition: Condition, ranges: list[Range], failed: int) -> str:
    if failed and not condition.failure:
        return f"{name_of(session, session.ends.first_failed(ranges))}, on which it depends, failed"
    return "a task on which it depends has succeeded, and it was to run only if that failed"


def _none_of(condition: Condition) -> str:
    how = "succeeded" if condition.success else "failed"
    return f"none of the tasks on which it depends has {how}"


def _lives(
    state: ControllerState, session: Session, condition: Condition, ranges: list[Range], left: list[int], count: int
) -> set[int] | None:
    """Return on which engines those ran that have ended: on all of these, or on any, as the condition says."""
    if count > PLACES:
        raise Refusal(_FORGOTTEN_PLACE, name="InvalidDependency")
    lives: set[int] | None = None
    for number in _others(ranges, left):
        if not condition.every and not counts(condition, well=not session.ends.count_failed([(number, number)])):
            continue
        life = place_of(state, session, number)
        if life < 0:
            raise Refusal(_FORGOTTEN_PLACE, name="InvalidDependency")
        lives = with_life(lives, life, every=condition.every)
    return lives


def _others(ranges: list[Range], left: list[int]) -> Iterator[int]:
    unfinished = set(left)
    return (number for number in numbers_in(ranges) if number not in unfinished)


def counts(condition: Condition | Gate, *, well: bool) -> bool:
    """Whether a task that ended `well`, or did not, is one of those that a condition asks for."""
    return condition.success if well else condition.failure


def with_life(lives: set[int] | None, life: int, *, every: bool) -> set[int]:
    """Return the engines on which all of some tasks ran, or any, with one more task that ran in `life`."""
    if lives is None:
        return {life}
    return lives & {life} if every else lives | {life}


def place_of(state: ControllerState, session: Session, number: int) -> int:
    """Return the life of the engine on which a task ended: 0: that is gone, or there was none, -1: not known."""
    kept = session.results.get(number)
    return session.ends.life_of(number) if kept is None else life_of(state, kept)


def told(gate: Gate, *, well: bool) -> bool | None:
    """One more task of a condition has ended: return whether it is met now, or (False) impossible; None: neither."""
    gate.left -= 1
    if counts(gate, well=well):
        return True if not (gate.every and gate.left) else None
    if gate.every or not gate.left:
        return False
    return None


def gate_ended(
    state: ControllerState, session: Session, number: int, kept: Kept | None, waits: Prerequisites, way: int
) -> Outcome | None:
    """A task of a condition has ended, likewise."""
    well = kept is not None and kept.result.outcome.status == Status.OK
    gates = waits.gates
    gate = gates.after if way == AFTER else gates.follow
    if gate is None:
        return None
    if way == FOLLOW and (gate.every or counts(gate, well=well)):
        life = 0 if kept is None else life_of(state, kept)
        gate.lives = with_life(gate.lives, life, every=gate.every)
    verdict = told(gate, well=well)
    if verdict is None:
        return None
    if not verdict:
        if kept is not None and kept.result.outcome.status == Status.DEPENDENCY:
            return kept.result.outcome
        ended = None if kept is None else kept.result.outcome
        how = "succeeded, and it was to run only if that failed" if well else how_it_ended(ended)
        return cannot(f"{name_of(session, number)}, on which it depends, does not end as it must: {how}")
    if way == AFTER:
        gates.after = None
    else:
        gates.following, gates.follow = frozenset(gate.lives or ()), None
    return None
