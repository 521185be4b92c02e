"""What the core has noted of tasks, as changes of a store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from engineroom.core.engines import Engine
from engineroom.core.journal import Ending, Reception, Try
from engineroom.core.losses import losses_of
from engineroom.core.outputs import KeptOutput
from engineroom.core.tasks import Task
from engineroom.ids import SessionId
from engineroom.protocol.messages import Submit
from engineroom.protocol.streams import Payload
from engineroom.protocol.task_ranges import MOST_RANGES, Range, TaskRanges, in_batches, tidy
from engineroom.store.changes import Change, Delivered, Ended, Expired, Sent, Submitted
from engineroom.store.entry import NOWHERE, Attempt, Entry, Place

_MOST_PLACES = 10_000


class Scribe:
    """Makes changes of what was noted. `offset`: seconds to add to the core's time, for seconds since 1970."""

    def __init__(self, offset: float) -> None:
        self.offset = offset
        self._places: dict[bytes, Place] = {}

    def ended(self, ending: Ending) -> Ended:
        """Return what there is to say of a task that has ended."""
        task, kept, output = ending
        engine = kept.engine
        return Ended(
            task=task.id,
            submit=task.submit,
            submitted=task.submitted + self.offset if task.submitted else 0.0,
            result=kept.result,
            received=kept.finished + self.offset,
            attempt=0 if engine is None else task.attempt,
            place=NOWHERE if engine is None else self.place(engine),
            call=_whole(task.body),
            body=_whole(kept.body),
            size=size_of(ending),
            earlier=earlier_attempts(task.tries),
            output=() if output is None else tuple(output.pieces()),
        )

    def submitted(self, task: Task, submit: Submit | None = None) -> Submitted:
        """Return what there is to say of a task that has not ended. `submit`: what it was submitted as."""
        when = task.submitted + self.offset if task.submitted else 0.0
        return Submitted(task.id, submit or task.submit, when, _whole(task.body), task.size + task.large)

    def sent(self, task: Task, at: float) -> Sent | None:
        """Return where a task is now, at a time in seconds since 1970; None: on no engine."""
        engine = task.engine
        if engine is None:
            return None
        earlier = earlier_attempts(task.tries)
        return Sent(task.id, task.attempt, self.place(engine), at, earlier, task.errors, losses_of(task))

    def unfinished(self, task: Task) -> Entry:
        """Return the entry of a task that has not ended."""
        entry = self.submitted(task).entry()
        entry.attempts = earlier_attempts(task.tries)
        if (engine := task.engine) is not None:
            entry.attempts = (*entry.attempts, Attempt(task.attempt, self.place(engine)))
        return entry

    def place(self, engine: Engine) -> Place:
        """Return where a task ran; one object for each engine."""
        place = self._places.get(engine.instance)
        if place is None:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            info = engine.info
            place = self._places[engine.instance] = Place(engine.id, engine.instance, info.host, info.pid)
        return place


def earlier_attempts(tries: tuple[Try, ...]) -> tuple[Attempt, ...]:
    """Return the attempts after which a task went on."""
    return tuple(
        [Attempt(each.attempt, Place(each.engine, each.instance, each.host), 0.0, each.words) for each in tries]
    )


def delivered(receptions: Iterable[Reception], at: float) -> list[Delivered]:
    """Return which tasks' results are with their clients since a time in seconds since 1970: of each session once."""
    up_to: dict[SessionId, int] = {}
    also: dict[SessionId, list[Range]] = {}
    for each in receptions:
        up_to[each.session] = max(each.up_to, up_to.get(each.session, 0))
        also.setdefault(each.session, []).extend(each.also)
    return [
        Delivered(TaskRanges(session, ranges), at)
        for session, highest in up_to.items()
        for ranges in in_batches(tidy([(1, highest), *also[session]]), MOST_RANGES)
    ]


def expired(tasks: Iterable[TaskRanges], at: float = 0.0) -> list[Change]:
    """Return which tasks' results were not fetched in time."""
    return [Expired(each, at) for each in tasks]


def size_of(ending: Ending) -> int:
    """Return the bytes that this takes in memory."""
    task, kept, output = ending
    return task.size + task.large + kept.size + _output_size(output)


def _output_size(output: KeptOutput | None) -> int:
    return 0 if output is None else output.size


def _whole(body: object) -> Payload | None:
    """Return a payload that is all here."""
    payload = cast("Payload | None", body)
    return payload if payload is not None and payload.complete else None
