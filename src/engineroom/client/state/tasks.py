"""What a client keeps of each call: the request until it has ended, then the outcome until it is read."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from engineroom.client.state.map_items import error_of, items_of
from engineroom.client.state.output import TaskOutput
from engineroom.client.state.stays import Stay
from engineroom.errors import (
    DependencyTimeout,
    EngineError,
    ImpossibleDependency,
    InvalidDependency,
    NoEnginesRegistered,
    TaskAborted,
    TaskTimeout,
    remote_error,
)
from engineroom.ids import Instance, SessionId, TaskId, engine_uuid, msg_id, task_id
from engineroom.protocol.messages import METHODS, Awaits, Call, Kind, Options, Outcome, Status, Submit
from engineroom.protocol.streams import Buffer, Payload
from engineroom.serialize.chunks.items import ItemsFailed
from engineroom.serialize.failures.packing import unpack_failure
from engineroom.serialize.payloads import unpack

if TYPE_CHECKING:
    from engineroom.serialize.functions.packing import PackedFunction

_EXECUTE = int(Kind.EXECUTE)


class Listener(Protocol):
    """An object that waits for tasks. Called in the I/O thread, with the session's condition held."""

    def _task_started(self, task: Task) -> None: ...

    def _task_done(self, task: Task) -> None: ...

    def _left_behind(self) -> None: ...


class Request(msgspec.Struct, gc=False, eq=False):
    """One call, kept to be sent again until all its tasks have ended.

    Like a Task, it is not tracked by the garbage collector: a million outstanding calls cost it nothing.
    """

    call: Call
    to: bytes | None
    options: Options
    segments: list[memoryview] | None
    """The payload if it travels as a stream."""
    size: int
    """Bytes of payload."""
    function: PackedFunction | None
    held: int
    """Bytes of memory that count as its own until it has ended."""
    open: int
    """Tasks without an end."""
    number: int = 0
    """Of its first task; 0 before it has one."""
    within: bytes = b""
    """The task that makes the call, b"" for none."""
    awaits: Awaits | None = None
    """What it waits for, if for anything."""

    def submit(self, session: SessionId) -> Submit:
        """Return the message that asks for it, without a stream."""
        return Submit(task_id(session, self.number), self.call, self.to, self.options, self.awaits, self.within)

    def needs(self, functions: set[bytes]) -> bool:
        """Whether one of these, or of their parts, is its function."""
        function = self.function
        if function is None:
            return False
        return function.hash in functions or any(part.hash in functions for part in function.parts)


class Task(msgspec.Struct, gc=False, eq=False):
    """One call on one engine, as its client sees it. Times are seconds since 1970 by this machine's clock."""

    kind: int
    request: Request | None
    listener: Listener | None
    """Both are None once it has ended, so that it is part of no cycle."""
    submitted: float
    target: int
    """The engine that it is bound to, -1 for none."""
    engine: int
    number: int = 0
    instance: Instance | None = None
    started: float = 0.0
    """When it was said to run, 0 before."""
    received: float = 0.0
    outcome: Outcome | None = None
    """None until the end is known."""
    payload: bytes | Payload | None = None
    """The packed result until it is read, None afterwards."""
    stay: Stay | None = None
    """As long as calls can name the result though it is here."""
    output: TaskOutput | None = None
    inputs: tuple[int, ...] = ()
    """The numbers of tasks whose results it needs, until it has ended."""
    awaits: Awaits | None = None
    """What it was told to wait for."""
    unwanted: int = 0
    """Whether, and how much, it is to end without a result; see `unwanted`."""
    cause: Task | None = None
    """One that failed, and because of which it did."""
    _value: Any = None
    _error: BaseException | None = None

    def id(self, session: SessionId) -> TaskId:
        return task_id(session, self.number)

    def msg_id(self, session: SessionId) -> str:
        return msg_id(task_id(session, self.number))

    def fail(self, error: BaseException) -> None:
        """End the task here, with `error`."""
        self.outcome = Outcome(Status.LOST, 0.0, 0.0, f"{type(error).__name__}: {error}")
        self._error = error

    def its_output(self) -> TaskOutput:
        """Return what is collected of it: nothing at first."""
        if self.output is None:
            self.output = TaskOutput()
        return self.output

    def tell_its_end(self) -> None:
        """Tell whoever waits for it that it has ended; once. The session's condition is held."""
        listener, self.listener = self.listener, None
        if listener is not None:
            listener._task_done(self)

    def nowhere(self, error: NoEnginesRegistered) -> None:
        """Raise `error` for it: no engine was left to run it."""
        self.payload, self._error = None, error

    def value(self) -> Any:
        """Return the result, or raise what the task raised; only once it has ended.

        The payload is unpacked here, once, in the thread that reads it.
        """
        if self.payload is not None:
            self._open(self.payload)
        if self._error is not None:
            raise self._error.with_traceback(None)  # each time anew, or it would grow
        return self._value

    def exception(self) -> BaseException | None:
        """Return what `value` would raise."""
        if self.payload is not None:
            self._open(self.payload)
        return self._error

    def items(self) -> list[Any] | None:
        """Return the results of a chunk of a map, with a FailedItem where an item failed; None: all of it failed."""
        if self.payload is not None:
            self._open(self.payload)
        return self._value if isinstance(self._value, list) else None

    def _open(self, payload: bytes | Payload) -> None:
        outcome = self.outcome
        assert outcome is not None
        if outcome.shadowed:
            from engineroom.client.state.shadows import warn_of_shadows  # seldom needed

            warn_of_shadows(outcome.shadowed, self.engine)
        try:
            buffer = payload if isinstance(payload, bytes) else _buffer_of(payload)
            if outcome.status == Status.OK:
                self._value = unpack(buffer)
                if self.kind == _EXECUTE and hasattr(self._value, "engine_id"):
                    self._value.engine_id = self.engine
                    self._value.told = _told(self, outcome)
            else:
                self._open_failure(outcome, buffer)
        except Exception as error:  # noqa: BLE001 (a result that can't be opened here is the task's error)
            from engineroom.client.state.versions_there import versions_there  # only needed now
            from engineroom.serialize.failures.unpacking import explained

            made = explained(
                error,
                f"the result of engine {self.engine}",
                lambda package: versions_there(self.engine, self.instance, package),
            )
            made.add_note(f"This error occurred in the client while it unpickled the result of engine {self.engine}.")
            self._error = made
        self.payload = self.stay = None

    def _open_failure(self, outcome: Outcome, packed: Buffer) -> None:
        match outcome.status:
            case Status.ERROR:
                error = self._error = unpack_failure(packed)
                if isinstance(error.original, ItemsFailed):
                    self._value = items_of(error.original, self.engine, self.instance)
                    self._error = error_of(self._value)
            case Status.ABORTED:
                self._error = TaskAborted(outcome.error or "the task was aborted before it ran")
            case Status.OVERDUE:
                self._error = self._ended_by(TaskTimeout(outcome.error))
            case Status.DEPENDENCY:
                self._error = self._unmet(outcome.error)
            case _:
                self._error = self._lost(outcome.error or "the engine that ran the task has left")

    def _unmet(self, reason: str) -> BaseException:
        """Return the error of a task that depended on others, with that of the one that failed as its cause."""
        name, _, words = reason.partition(": ")
        kind = {"InvalidDependency": InvalidDependency, "DependencyTimeout": DependencyTimeout}.get(
            name, ImpossibleDependency
        )
        info = {"engine_id": self.engine, "engine_uuid": "", "method": METHODS.get(self.kind, "")}
        error = remote_error((kind.__name__, words, "", info), kind(words))
        error.__cause__ = None if self.cause is None else self.cause.exception()
        self.cause = None
        return error

    def _lost(self, reason: str) -> BaseException:
        """Return an EngineError that `except RemoteError` catches, too."""
        return self._ended_by(EngineError(reason))

    def _ended_by(self, error: Exception) -> BaseException:
        """Return `error` as one of the engine that ran this."""
        method = METHODS.get(self.kind, "")
        info = {"engine_id": self.engine, "engine_uuid": engine_uuid(self.instance), "method": method}
        return remote_error((type(error).__name__, str(error), "", info), error)


def _buffer_of(payload: Payload) -> Buffer:
    if payload.error is not None:
        raise MemoryError(f"the result takes {payload.size:,} bytes, and this process has no memory for them")
    return payload.hand_over()


def _told(task: Task, outcome: Outcome) -> dict[str, Any]:
    """Return what a reply says of the cell that it is the value of. (Not the task: it would be part of a cycle.)"""
    output, ran = task.output, outcome.started > 0
    return {
        "stdout": "" if output is None else output.stdout,
        "stderr": "" if output is None else output.stderr,
        "outputs": [] if output is None else output.displays,
        "engine_uuid": engine_uuid(task.instance) or None,
        "submitted": _when(task.submitted),
        "started": _when(outcome.started) if ran else None,
        "completed": _when(outcome.started + outcome.seconds) if ran else None,
        "received": _when(task.received),
        "status": "ok",
    }


def _when(seconds: float) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None
