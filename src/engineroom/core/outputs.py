"""What tasks wrote and displayed, kept until their results are with their client: it may be cut off meanwhile."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from engineroom.core.sessions import Session
from engineroom.core.task_states import State
from engineroom.core.watching import tell_started, tell_written
from engineroom.ids import Peer
from engineroom.protocol.messages import Display, Displays, Output, TasksStarted
from engineroom.protocol.task_ranges import one_task

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.engines import Engine
    from engineroom.core.state import ControllerState
    from engineroom.core.tasks import Task

Piece = Output | Display

PIECE_BYTES = 256
"""What a piece takes beside its text or content."""


class KeptOutput:
    """The pieces that one attempt wrote, in order: the first ones, and of the others the last ones."""

    __slots__ = ("attempt", "data", "dropping", "ended", "head", "next", "owed", "size", "tail", "whole")

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.ended = False
        """Its task has ended: it counts as a part of the result."""
        self.data: Display | None = None
        """The values that it has published last; of those before nothing is kept."""
        self.dropping = False
        """Of a large display that comes in parts, there is no room for the rest."""
        self.owed = False
        """Its client has not been sent these values, because it had too much to read."""
        self.head: list[Piece] = []
        self.tail: deque[Piece] = deque()
        self.next = 0
        """The number of the piece that comes next; an engine that was cut off says all of them again."""
        self.size = 0
        self.whole = True
        """Whether nothing is missing between the first and the last ones."""

    def add(self, piece: Piece, limit: int) -> None:
        """Keep `piece`, the newest; `limit`: bytes that all of them may take."""
        size = size_of(piece)
        if self.whole and self.size + size <= limit // 2:
            self.head.append(piece)
        else:
            self.whole = False
            self.tail.append(piece)
        self.size += size
        while self.size > limit and self.tail:
            self.size -= size_of(self.tail.popleft())

    def publish(self, data: Display, limit: int) -> None:
        """Keep `data` in place of what was published before, if that fits."""
        if self.data is not None:
            self.size -= size_of(self.data)
        size = size_of(data)
        fits = self.size + size <= limit
        self.data = data if fits else None
        self.size += size if fits else 0

    def is_new(self, piece: Piece) -> bool:
        """Whether `piece`, of this attempt, has not come before."""
        if not _is_data(piece):
            return piece.seq >= self.next
        return self.data is None or piece.seq > self.data.seq

    def pieces(self) -> list[Piece]:
        """Return all that is kept, in order."""
        return [*self.head, *self.tail, *([] if self.data is None else [self.data])]


def _is_data(piece: Piece) -> bool:
    return isinstance(piece, Display) and piece.kind is Displays.DATA


def size_of(piece: Piece) -> int:
    return PIECE_BYTES + len(piece.text if isinstance(piece, Output) else piece.content)


def output(state: ControllerState, peer: Peer, message: Piece) -> None:
    """A task wrote or displayed something: for its client, if the attempt is the current one, and if it is new."""
    engine = state.engine_peers.get(peer)
    task = None if engine is None else engine.held.get(message.task)
    if engine is None or task is None or task.attempt != message.attempt:
        return
    session = task.session
    kept = session.outputs.get(task.number)
    if kept is not None and kept.attempt == message.attempt and not kept.is_new(message):
        return
    if kept is None or kept.attempt != message.attempt:
        kept = _begin(state, task, engine)
    if _is_too_much(state, kept, session, message):
        kept.next = message.seq + 1  # its client sees that something is missing
        return
    _keep(state, session, kept, message)
    if kept.data is message:
        kept.owed = session.behind  # by the time that it reads again, there may be later ones
    if kept.data is not message or not kept.owed:
        state.send(session.peer, message)
    if session.calls:
        tell_written(state, task, message, is_data=kept.data is message)


def _begin(state: ControllerState, task: Task, engine: Engine) -> KeptOutput:
    """Return what is to hold the output of a new attempt."""
    session = task.session
    drop_output(session, task.number)
    if task.target < 0 and task.state is not State.STARTED:  # whoever shows this wants to know where it comes from
        started = TasksStarted(engine.id, one_task(task.id))
        state.send(session.peer, started)
        tell_started(state, task, started)
    kept = session.outputs[task.number] = KeptOutput(task.attempt)
    return kept


def _is_too_much(state: ControllerState, kept: KeptOutput, session: Session, message: Piece) -> bool:
    """Whether there is no room for a part of a large display, or for one before it: what is sent is kept, too, and so
    bounded, even if the client reads slowly."""
    if not isinstance(message, Display) or not message.is_part:
        return False
    if message.part == 0 or not kept.dropping:
        limits = state.limits
        room = min(limits.task_output_bytes - kept.size, limits.output_bytes - session.output_bytes)
        kept.dropping = size_of(message) > room
    return kept.dropping


def _keep(state: ControllerState, session: Session, kept: KeptOutput, message: Piece) -> None:
    limits, before = state.limits, kept.size
    left = before + limits.output_bytes - session.output_bytes
    if isinstance(message, Display) and message.kind is Displays.DATA:
        kept.publish(message, min(limits.task_output_bytes, left))
    else:
        kept.next = message.seq + 1
        kept.add(message, min(limits.task_output_bytes, left))
    session.output_bytes += kept.size - before
    if left < limits.task_output_bytes and not kept.whole:
        session.output_cut = True


def drop_output(session: Session, number: int) -> None:
    """What task `number` wrote is with its client, or not wanted any more."""
    if number in session.outputs:
        take_output(session, number)


def take_output(session: Session, number: int) -> KeptOutput:
    """Take away what task `number` wrote, of which something is kept, and return it."""
    kept = session.outputs.pop(number)
    if kept.ended:
        session.kept_bytes -= kept.size
    else:
        session.output_bytes -= kept.size
        _is_less(session)
    return kept


def catch_up(state: ControllerState, session: Session) -> None:
    """Send a client, which has read what it had to, the published values that it has missed."""
    for kept in session.outputs.values():
        _pay(state, session, kept)


def _pay(state: ControllerState, session: Session, kept: KeptOutput) -> None:
    if kept.owed and kept.data is not None:
        kept.owed = False
        state.send(session.peer, kept.data)


def end_output(state: ControllerState, session: Session, number: int) -> None:
    """Task `number` has ended: what it wrote is kept for as long as its result, and counts with that."""
    kept = session.outputs.get(number)
    if kept is not None:
        _pay(state, session, kept)
        kept.ended = True
        session.output_bytes -= kept.size
        session.kept_bytes += kept.size
        _is_less(session)


def _is_less(session: Session) -> None:
    if not session.output_bytes:
        session.output_cut = False


def tell_again(state: ControllerState, session: Session) -> None:
    """Send a client all that its tasks wrote whose results it may not have; it knows what it has seen."""
    for kept in session.outputs.values():
        kept.owed = False
        for piece in kept.pieces():
            state.send(session.peer, piece)
