"""A world with a store, of which the last records are lost whenever its controller is killed."""

from __future__ import annotations

from msgspec.structs import replace

from engineroom.core.actions import Accept, Action
from engineroom.core.events import BodyHere, Committed, RecordedEnd, RecordedEnds, RestoredTask, RestoredTasks
from engineroom.core.inputs import whole_submit
from engineroom.core.journal import Try
from engineroom.core.state import ControllerState
from engineroom.ids import INSTANCE_BYTES, TaskId, number_of, session_of
from engineroom.protocol.messages import Delivered, Result, Run, Stream, Submit
from engineroom.protocol.task_ranges import numbers_in, ranges_of
from tests.unit.core.pretend import NO_PEER, PretendEngine, session_id
from tests.unit.core.restarts import RestartedWorld


class StoredBytes:
    """The arguments of a task, in the store."""

    def __init__(self, task: TaskId) -> None:
        self.task = task


class StoredWorld(RestartedWorld):
    """Whatever happens: what was recorded is what happens, and each client has each result once."""

    def __init__(self, policy: str, seed: int) -> None:
        self.unfinished: dict[TaskId, tuple[Submit, tuple[Try, ...]]] = {}
        self.recorded: dict[TaskId, Result] = {}
        self.received: set[TaskId] = set()
        self.lost = seed % 5
        """So many of the last records of each kind are lost with a controller."""
        super().__init__(policy, seed)
        self.play.state.recording = self.play.state.journal.early = True

    def another(self, before: ControllerState) -> ControllerState:
        self.write(before, self.lost)
        return ControllerState(before.limits, recording=True, early=True)

    def record(self, now: bool = True) -> None:
        if now:
            self.write(self.play.state)
            self.perform(self.play(NO_PEER, Committed(self.play.state.journal.last)))

    def write(self, state: ControllerState, lost: int = 0) -> None:
        """Keep what a controller has noted, all but the last of each kind."""
        journal, all_but = state.journal, -lost or None
        for task in journal.submitted[:all_but]:
            submit = whole_submit(task)
            if submit.task and task.id not in self.recorded:
                place = (task.number - number_of(submit.task)) * INSTANCE_BYTES
                to = None if submit.to is None else submit.to[place : place + INSTANCE_BYTES]
                engine = task.engine
                tried = (
                    Try(task.attempt, 0 if engine is None else engine.id, engine.instance, "", "", 0.0)
                    if engine
                    else None
                )
                self.unfinished[task.id] = replace(submit, task=task.id, to=to), (tried,) if tried else ()
        for task, kept, _ in journal.ended[:all_but]:
            if task.submit.task and task.id not in self.recorded:
                self.recorded[task.id] = replace(kept.result, task=task.id)
                self.unfinished.pop(task.id, None)
        for each in journal.received[:all_but]:
            numbers = numbers_in([(1, each.up_to), *each.also]) if each.up_to else numbers_in(each.also)
            self.received |= {TaskId(each.session + number.to_bytes(8)) for number in numbers}
        journal.submitted, journal.started, journal.ended, journal.received = [], [], [], []

    def of(self, client: int) -> list[TaskId]:
        return sorted(id_ for id_ in {*self.unfinished, *self.recorded} if session_of(id_) == session_id(client))

    def remember(self) -> list[Action]:
        actions: list[Action] = []
        for client in (1, 2):
            theirs = [id_ for id_ in self.of(client) if id_ in self.unfinished and id_ not in self.received]
            if not theirs:
                continue
            known = tuple([self.known(id_) for id_ in theirs])
            failed = [number_of(id_) for id_ in self.of(client) if self.has_failed(id_)]
            event = RestoredTasks(
                session_id(client),
                known,
                number_of(self.of(client)[-1]),
                failed=tuple(ranges_of(failed)),
                returns=True,
            )
            actions += self.play(NO_PEER, event)
        return actions

    def has_failed(self, id_: TaskId) -> bool:
        return id_ in self.recorded and bool(self.recorded[id_].outcome.status)

    def known(self, id_: TaskId) -> RestoredTask:
        submit, tries = self.unfinished[id_]
        body = StoredBytes(id_) if isinstance(submit.call.body, Stream) else None
        return RestoredTask(submit, body, 1.0, tries)

    def returns(self, client: int) -> None:
        if not self.life or not self.of(client):
            return
        ended = [self.recorded[id_] for id_ in self.of(client) if id_ in self.recorded and id_ not in self.received]
        ends = tuple([RecordedEnd(result, object()) for result in ended])
        self.perform(self.play(NO_PEER, RecordedEnds(session_id(client), number_of(self.of(client)[-1]), ends)))

    def check_run(self, engine: PretendEngine, run: Run) -> None:
        client = next((each for each in self.clients if run.task in each.submitted), None)
        if client is not None and client.peer is None and run.task in client.results:
            return  # nobody but this client, which has been waited for, knows of that
        super().check_run(engine, run)
        assert run.task not in self.recorded, "what has ended is run again"

    def check_acknowledged(self, engine: PretendEngine, message: Delivered) -> None:
        if not any(its.task in self.recorded for its in engine.unacknowledged.values()):
            super().check_acknowledged(engine, message)

    def perform(self, actions: list[Action]) -> None:
        super().perform(actions)
        for action in actions:
            if isinstance(action, Accept) and isinstance(action.body, StoredBytes):
                self.perform(self.play(NO_PEER, BodyHere(action.body.task, action.body)))
