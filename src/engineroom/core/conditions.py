"""What a task names that it waits for: checked, and noted, when the task is submitted; and results it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.edges import AFTER, EDGE_BYTES, FOLLOW, INPUT, NO_GATES, Gates, Prerequisites, edges_of, note_edge
from engineroom.core.gates import gate_of
from engineroom.core.inputs import too_many_bytes, use
from engineroom.core.refusals import InputFailed, Refusal, name_of, needs, why_not
from engineroom.core.results import cannot
from engineroom.core.sessions import Session
from engineroom.core.tasks import Kept, Task
from engineroom.ids import number_of
from engineroom.protocol.messages import Awaits, Outcome
from engineroom.protocol.task_ranges import Range, numbers_in, tidy

if TYPE_CHECKING:  # the state holds tasks
    from engineroom.core.state import ControllerState

_NOT_KEPT = "it needs results that are not kept any more"


def enter(state: ControllerState, task: Task, awaits: Awaits) -> Prerequisites:
    """Note what `task` waits for. Refusal: it will never have that. O(what it names + log failures).

    All is checked before anything is noted.
    """
    session = task.session
    after = None if awaits.after is None else _ranges(task, awaits.after.tasks)
    follow = None if awaits.follow is None else _ranges(task, awaits.follow.tasks)
    inputs = _inputs(session, task, awaits)
    gates = Gates() if awaits.after or awaits.follow or awaits.timeout else NO_GATES
    waits = Prerequisites(tuple(inputs), 0, gates)
    unfinished: list[tuple[int, int]] = []
    if awaits.after is not None and after is not None:
        gates.after, left = gate_of(state, session, awaits.after, after, follow=False)
        unfinished += [(number, AFTER) for number in left]
    if awaits.follow is not None and follow is not None:
        gates.follow, left = gate_of(state, session, awaits.follow, follow, follow=True)
        unfinished += [(number, FOLLOW) for number in left]
        if gates.follow is not None and not left:
            gates.following, gates.follow = frozenset(gates.follow.lives or ()), None
    _note(state, task, waits, unfinished)
    return waits


def _note(state: ControllerState, task: Task, waits: Prerequisites, unfinished: list[tuple[int, int]]) -> None:
    session = task.session
    task.waits = waits
    if unfinished:
        waits.gates.edges = len(unfinished)
    session.submitted_bytes += edges_of(waits) * EDGE_BYTES
    for number, way in unfinished:
        note_edge(session, number, task, way)
    for number in waits.inputs:
        kept = session.results.get(number)
        if kept is None:
            waits.missing += 1
            note_edge(session, number, task, INPUT)
        else:
            use(state, session, kept)


def _ranges(task: Task, spans: tuple[tuple[bytes, int, int], ...]) -> list[Range]:
    """Return the numbers that are named. Refusal: they can't all be known tasks."""
    session, first_of_call = task.session, number_of(task.submit.task)  # several tasks may be of one call
    ranges = []
    for owner, first, last in spans:
        if owner != session.id:
            raise Refusal(
                "it depends on a task of another client: wait for that one with `ar.wait()` before you submit this",
                name="InvalidDependency",
            )
        if last >= first_of_call:
            if first <= task.number <= last:
                raise Refusal("it depends on itself: name only tasks submitted before it", name="InvalidDependency")
            raise Refusal(
                f"it depends on {name_of(session, max(first, first_of_call))}, which was not submitted before it. "
                "Submit that one first, and use the id that its result has (`ar.msg_ids`)",
                name="InvalidDependency",
            )
        if not 0 < first <= last:
            raise Refusal(
                "it depends on a task that does not exist: use the ids that results have (`ar.msg_ids`)",
                name="InvalidDependency",
            )
        ranges.append((first, last))
    return tidy(ranges)


def _inputs(session: Session, task: Task, awaits: Awaits) -> list[int]:
    """Return the numbers of the tasks whose results are arguments. Refusal: one has no result, or it is gone."""
    if not awaits.inputs:
        return []
    ranges = [*_spans(task, awaits.inputs)]
    if sum(last - first + 1 for first, last in ranges) > len(session.tasks) + len(session.results) + len(
        session.unsent
    ):
        raise Refusal(_NOT_KEPT, name="InvalidDependency")
    numbers = []
    for number in numbers_in(ranges):
        kept, other = session.results.get(number), session.tasks.get(number)
        numbers.append(number if other is None else other.number)  # the same object takes no memory again
        if kept is None and other is None and number not in session.unsent:
            if session.ends.count_failed([(number, number)]):
                raise Refusal(f"{needs(session, number)} will never be there: the task failed")
            words = f"{needs(session, number)} is not kept any more"
            raise Refusal(words, name="InvalidDependency")
        if kept is not None and kept.result.outcome.status:
            raise InputFailed(why_not(session, number, kept.result.outcome))
    return numbers


def _spans(task: Task, spans: tuple[tuple[bytes, int, int], ...]) -> list[Range]:
    if any(first == last == 0 for _, first, last in spans):
        raise Refusal("it needs the result of a call that was cancelled")
    return _ranges(task, spans)


def input_ended(
    state: ControllerState, session: Session, number: int, kept: Kept | None, waits: Prerequisites
) -> Outcome | None:
    """A task whose result is an argument has ended: note that; return how the one that needs it ends, if it must."""
    outcome = None if kept is None else kept.result.outcome
    if kept is None or kept.result.outcome.status or session.results.get(number) is not kept:
        return why_not(session, number, outcome)
    waits.missing -= 1
    use(state, session, kept)
    if words := too_many_bytes(state, session):
        return cannot(words)
    return None
