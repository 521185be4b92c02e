"""AsyncResults as arguments of calls: by name, for the engine to find, or by their bytes if only clients have them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from engineroom.errors import PackError
from engineroom.ids import task_id
from engineroom.protocol.messages import Status
from engineroom.protocol.ranges import MOST_SPANS
from engineroom.protocol.task_ranges import ranges_of
from engineroom.serialize.functions.packing import PackedFunction
from engineroom.serialize.futures import in_a_pickle, itself, note, noted, result_of, take_noted, whole
from engineroom.serialize.modules.own import own
from engineroom.serialize.modules.prelude import needed_by
from engineroom.serialize.payloads import unpickled
from engineroom.serialize.published import value_of

if TYPE_CHECKING:
    from engineroom.client.state.state import State
    from engineroom.client.state.tasks import Task
    from engineroom.protocol.streams import Packed, Payload
    from engineroom.serialize.frames import Buffer
    from engineroom.serialize.functions.large_parts import Part as ModulePart
    from engineroom.serialize.published import PublishedPart

_CANCELLED = 0
"""The number that stands for a call that was cancelled: no task has it."""

_PACKING = ("engineroom.serialize", "cloudpickle", "pickle", "copyreg")


class Result(Protocol):
    """An AsyncResult, as far as its way into a payload goes."""

    @property
    def _session(self) -> State: ...
    def cancelled(self) -> bool: ...
    def _as_argument(self) -> tuple[Any, ...]: ...


class Reference(Protocol):
    """A reference to published data. `_part`: None once it is released."""

    @property
    def _session(self) -> State: ...
    @property
    def _part(self) -> PublishedPart | None: ...


class Argument(msgspec.Struct, eq=False):
    """A result that a payload has: by its bytes (`number` is -1), or by the number of its task.

    `modules`: those of the user's own that it stands on, or may stand on.
    """

    session: State
    number: int = -1
    modules: Sequence[ModulePart] = ()

    def let_go(self) -> None:
        """Do not need the result after all."""
        if self.number >= 0:
            with self.session.condition:
                self.session.let_go((self.number,))


class Part:
    """The result of one task, as a payload has it."""

    __slots__ = ("_session", "_task")

    def __init__(self, session: State, task: Task) -> None:
        self._session, self._task = session, task

    def __reduce__(self) -> tuple[Any, ...]:
        session, task = self._session, self._task
        with session.condition:
            outcome, payload = task.outcome, task.payload
            if outcome is None or outcome.status != Status.OK:
                session.pins.hold(task.number, task)
                note(Argument(session, task.number, _modules_behind(task) if own.shipped else ()))
                return result_of, (task_id(session.id, task.number),)
            stays = payload is not None and task.number in session.pins.stays and get_ident() not in whole
            if stays and payload is not None:
                session.pins.hold(task.number, None)
                session.pins.is_here(task.number, payload)
        if payload is None:
            note(Argument(session))
            return itself, (task.value(),)
        if stays:
            note(Argument(session, task.number, _modules_of(_packed(payload)) if own.shipped else ()))
            return result_of, (task_id(session.id, task.number),)
        packed = _packed(payload)
        note(Argument(session, -1, _modules_of(packed) if own.shipped else ()))
        return unpickled, (in_a_pickle(packed),)


def _packed(payload: bytes | Payload) -> Buffer:
    return payload if isinstance(payload, bytes) else payload.buffer()


def _modules_behind(task: Task) -> Sequence[ModulePart]:
    """Return the modules that the result of a task may stand on: nobody knows that before it is there."""
    from engineroom.serialize.modules.shipping import shipping  # it is there, as it has shipped some

    request = task.request
    function = None if request is None else request.function
    its = () if function is None else [part for part in function.parts if part.hash in own.shipped]
    return [*its, *shipping.latest()]


def _modules_of(packed: Buffer) -> Sequence[ModulePart]:
    hashes = needed_by(packed if isinstance(packed, bytes) else [memoryview(packed)])
    return [own.shipped[digest] for digest in hashes if digest in own.shipped]


def modules_of_futures() -> list[ModulePart]:
    """Return the modules that the futures stand on, or may, which this thread has packed for its next call."""
    return [part for future in noted.get(get_ident(), ()) for part in future.modules]


class Made:
    """What a function makes of parts, on an engine."""

    __slots__ = ("_how",)

    def __init__(self, make: Callable[..., Any], *parts: Any) -> None:
        self._how = make, parts

    def __reduce__(self) -> tuple[Any, ...]:
        return self._how


class Cancelled:
    """The result of a call that was cancelled: whoever needs it fails."""

    __slots__ = ("_session",)

    def __init__(self, session: State) -> None:
        self._session = session

    def __reduce__(self) -> tuple[Any, ...]:
        session = self._session
        with session.condition:
            session.pins.hold(_CANCELLED, None)
        note(Argument(session, _CANCELLED))
        return result_of, (task_id(session.id, _CANCELLED),)


def reduce_result(result: Result) -> tuple[Any, ...]:
    """Return how `result` travels in the payload of a call. PackError: it is in something else."""
    session = result._session
    if not _is_in_a_call():
        raise PackError(
            "an AsyncResult can only be sent as an argument of a call; to store its result or return it, use `ar.get()`"
        )
    if session.closed:
        raise PackError("this AsyncResult is of a client that is closed; pass its result instead: `ar.get()`")
    if result.cancelled():
        return itself, (Cancelled(session),)
    return result._as_argument()


def reduce_published(value: Reference) -> tuple[Any, ...]:
    """Return how a published value travels in the payload of a call. PackError: it was released, or is elsewhere."""
    if not _is_in_a_call():
        raise PackError(
            "a reference to published data can only be sent as an argument of a call; to store or return the data, use "
            "the value itself"
        )
    part = value._part
    if part is None:
        raise PackError(f"{value!r} was released, so no further call can take it: publish the value again")
    if value._session.closed:
        raise PackError(f"{value!r} was published by a client that is closed: publish the value again")
    note(Argument(value._session, -1, (part,)))
    return value_of, (part.hash,)


def _is_in_a_call() -> bool:
    """Whether a client packs the arguments of a call, as opposed to anybody who pickles anything."""
    frame = sys._getframe(3)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(_PACKING):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).startswith("engineroom.client.")


def forget_arguments() -> None:
    """A payload could not be packed: its arguments are nobody's."""
    for argument in take_noted():
        argument.let_go()


def numbers_needed(session: State, body: Packed, function: PackedFunction | None, tasks: int) -> tuple[int, ...]:
    """Return the numbers of the tasks whose results `body` names, each needed by so many `tasks` from now on.

    PackError: a result is another client's, or they are too many.
    """
    found = take_noted()
    if any(argument.session is not session for argument in found):
        for argument in found:
            argument.let_go()
        raise PackError(
            "this AsyncResult, or this published value, is of another client; pass its result instead: `ar.get()`, or "
            "the value itself"
        )
    needed: dict[int, None] = {}
    for argument in found:
        number = argument.number
        if number in needed or number < 0 or not _names(body, function, task_id(session.id, number)):
            argument.let_go()
        else:
            needed[number] = None
            with session.condition:
                session.pins.hold(number, None, tasks - 1)
    if len(needed) > MOST_SPANS and len(ranges_of(needed)) > MOST_SPANS:
        with session.condition:
            for _ in range(tasks):
                session.let_go(needed)
        raise PackError(
            f"this call takes the results of {len(needed)} tasks that were not submitted in a row, and the limit is "
            f"{MOST_SPANS}. Gather some of them in calls of their own, or use a map"
        )
    return tuple(needed)


def _names(body: Packed, function: PackedFunction | None, task: bytes) -> bool:
    """Whether this payload names `task`; else it was noted for one that could not be packed."""
    return not isinstance(body, bytes) or task in body or (function is not None and task in function.body)
