"""What the main thread runs between two tasks and for no task: cells of consoles that are connected to this engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from engineroom.engine.attempts import Attempt
from engineroom.ids import SESSION_BYTES, TaskId
from engineroom.protocol.messages import Call, Displays, Kind, Run
from engineroom.protocol.streams import Packed
from engineroom.serialize.payloads import pack, unpack

if TYPE_CHECKING:
    from engineroom.engine.interrupts import Interrupts
    from engineroom.engine.namespace import Namespace
    from engineroom.engine.queue import TaskQueue
    from engineroom.engine.runner import Runner

_NO_TASK = TaskId(bytes(SESSION_BYTES + 8))
"""Stands where the id of a task would be."""


class Output(Protocol):
    """Takes what is written and displayed meanwhile, in place of a task's output."""

    def write(self, stream: int, text: str) -> bool: ...
    def show(self, kind: Displays, content: bytes) -> bool: ...
    def publish(self, items: Any) -> bool: ...


class Between:
    """Has the main thread of an engine run something; usable from any thread."""

    def __init__(self, queue: TaskQueue, runner: Runner, interrupts: Interrupts, namespace: Namespace) -> None:
        self._queue, self._runner, self._interrupts, self.namespace = queue, runner, interrupts, namespace
        self._count = 0

    def run(
        self, kind: Kind, what: dict[str, Any], output: Output, ended: Callable[[Any, BaseException | None], object]
    ) -> Callable[[], None]:
        """Run a call of `kind` with the payload `what`, once the main thread has the time.

        `ended(result, error)`: is told in the main thread. Return what interrupts it, if it has not ended.
        """
        self._count += 1
        call = Call(kind, b"", _whole(pack(what)))
        attempt = Attempt.of(Run(_NO_TASK, self._count, call, direct=True))
        attempt.output = output  # type: ignore[assignment]  # as far as the streams use it

        def run() -> None:
            try:
                result, error = _unpacked(self._runner.run_between(attempt)), None
            except BaseException as problem:  # noqa: BLE001 (SystemExit too: the console is told, and the engine lives)
                result, error = None, problem
            ended(result, error)

        self._queue.run_between(attempt, run)
        return lambda: self._interrupts.request(attempt.key)


def _whole(packed: Packed) -> bytes:
    return packed if isinstance(packed, bytes) else b"".join(packed)


def _unpacked(packed: Packed) -> Any:
    return unpack(_whole(packed))


class Place:
    """`between`: None in a process that is no engine."""

    __slots__ = ("between",)

    def __init__(self) -> None:
        self.between: Between | None = None


place = Place()
