"""Results of other tasks that calls took as arguments, for calls that are made once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.client.results.async_result import AsyncResult
from engineroom.client.state.as_arguments import Argument, forget_arguments
from engineroom.client.state.made_again import making
from engineroom.errors import EngineroomError
from engineroom.ids import TaskId, msg_id, number_in, number_of, task_id
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.history import AskResult, HowItEnded
from engineroom.protocol.messages import Kind, Status
from engineroom.serialize.functions.packing import PackedFunction, packed_again
from engineroom.serialize.futures import names_results, note
from engineroom.serialize.names_in_calls import renamed, results_named

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.serialize.frames import Buffer


class TakenAgain:
    """The results that calls took, by names that calls of this session can use: those of tasks that have them made
    once more, unless they stay in the controller for this client."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: dict[TaskId, TaskId] = {}

    def look_up(self, task: str, packed: Buffer) -> None:
        """Have all results be there that `packed`, the call or function of `task`, takes. EngineroomError: one is not,
        and why."""
        if not names_results(packed):
            return
        for taken in results_named(packed):
            if taken not in self._names:
                self._names[taken] = self._staying(taken) or self._made(taken, task)

    def arguments(self, packed: Buffer) -> Buffer:
        """Return `packed` with names that this session knows; the next call that this thread submits takes these."""
        taken = results_named(packed) if self._names else []
        if not taken:
            return packed
        for name in taken:
            argument = Argument(self._session, number_of(self._names[name]))
            self._hold(argument.number)
            note(argument)
        return renamed(packed, self._names)

    def function(self, function: PackedFunction) -> PackedFunction:
        """Return `function`, as `arguments` does."""
        body = self.arguments(function.body)
        if body is function.body:
            return function
        parts = [part.hash for part in function.parts]
        return packed_again(content_hash([body], parts), bytes(body), function.parts)

    def close(self) -> None:
        """The calls have been submitted, or will not be."""
        forget_arguments()
        self._session.let_go([number_of(name) for name in self._names.values()])

    def _hold(self, number: int) -> None:
        with self._session.condition:
            self._session.pins.hold(number, self._session.tasks.get(number))

    def _staying(self, taken: TaskId) -> TaskId | None:
        session = self._session
        with session.condition:
            number = number_in(session.id, taken)
            if number not in session.pins.stays:
                return None
            session.pins.hold(number, None)
            return taken

    def _made(self, taken: TaskId, task: str) -> TaskId:
        """Submit a task that has a result which the controller, or its database, has; return its id."""
        session = self._session
        try:
            reply, packed = session.ask_for_bytes(AskResult(taken), f"for the result of task {msg_id(taken)}")
        except EngineroomError as error:
            raise _missing(task, taken, str(error)) from None
        if not isinstance(reply, HowItEnded) or reply.status != Status.OK:
            raise _missing(task, taken, f"that task failed: {getattr(reply, 'error', '')}")
        function, body = making(session, packed, copy=False)
        result: AsyncResult[Any] = AsyncResult(session, "resubmit")
        with session.condition:
            [made] = session.submit(Kind.APPLY, body, result, function=function)
            session.pins.hold(made.number, made)
        return task_id(session.id, made.number)


def _missing(task: str, taken: TaskId, why: str) -> EngineroomError:
    return EngineroomError(
        f"task {task} took the result of task {msg_id(taken)} as an argument, and that result cannot be had: "
        f"{why.rstrip('.')}. Make both calls again"
    )
