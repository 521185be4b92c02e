"""The main thread's loop, without any connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from engineroom.engine.attempts import Attempt, Ended
from engineroom.engine.budget import RESULT_BYTES, Budget
from engineroom.engine.capture import Sink, writer
from engineroom.engine.descriptors import Descriptors
from engineroom.engine.failures import FailurePacker
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.namespace import Namespace
from engineroom.engine.outbox import MissingHere, Outbox
from engineroom.engine.queue import TaskQueue
from engineroom.engine.runner import Runner
from engineroom.engine.streams import Streams
from engineroom.engine.task_output import TaskOutput
from engineroom.ids import SessionId, new_instance, task_id
from engineroom.protocol.messages import Call, Kind, Run, Status, Stream
from engineroom.serialize.failures.packing import unpack_failure
from engineroom.serialize.functions.interactive import home
from engineroom.serialize.functions.packing import FunctionPacker, pack_call
from engineroom.serialize.functions.table import FunctionTable
from engineroom.serialize.payloads import pack, unpack

BUDGET = 50_000


class FiniteQueue(TaskQueue):
    """A queue that nothing more will come to."""

    def wait(self) -> bool:
        return False


class OthersStreams(Streams):
    """Leaves `sys.stdout` to pytest."""

    def settle(self) -> None: ...


class Engine:
    """The parts of an engine that need no thread and no socket."""

    def __init__(self) -> None:
        self.queue = FiniteQueue()
        self.wakes = 0
        self.at_wake: Callable[[], object] = lambda: None
        self.outbox = Outbox(self._wake)
        self.functions = FunctionTable(10)
        self.budget = Budget(BUDGET, hold=self.queue.hold, tell=self._wake)
        interrupts = Interrupts(self.queue, guarded=Runner.enter.__code__)
        self.namespace = Namespace({}, self.functions, interrupts)
        self.runner = Runner(
            self.queue,
            self.outbox,
            self.namespace,
            interrupts=interrupts,
            pack_failure=FailurePacker(new_instance()),
            descriptors=Descriptors(),
            streams=OthersStreams(Sink(limit=0, log=print)),
            budget=self.budget,
            max_result_bytes=100_000,
        )
        self._number = 0

    def _wake(self) -> None:
        self.wakes += 1
        self.at_wake()

    def send(self, call: Call, payload: Any) -> Attempt:
        self._number += 1
        run = Run(task_id(SessionId(bytes(16)), self._number), 1, Call(call.kind, call.function, payload))
        attempt = Attempt.of(run)
        self.queue.add([attempt])
        return attempt

    def apply(self, function: Any, *args: Any, known: bool = True) -> Attempt:
        packed = FunctionPacker().pack(function)
        if known:
            self.functions.add(packed.hash, packed.body)
            for part in packed.parts:
                self.functions.add(part.hash, b"".join(part.segments()))
        return self.send(Call(Kind.APPLY, packed.hash), pack_call(args, {}))

    def run(self) -> list[Any]:
        self.runner.run()
        return self.outbox.take()


@pytest.fixture
def engine() -> Any:
    yield Engine()
    home.move_in(None)


def value(item: Ended) -> Any:
    assert item.message.outcome.status == Status.OK, item.message.outcome.error
    return unpack(item.message.body)


def test_what_is_done_at_the_end_of_each_task_writes_in_its_name(engine: Engine) -> None:
    first, failed = engine.apply(abs, -1), engine.apply(abs, "x")
    seen: list[Attempt | None] = []
    engine.runner.at_ends(lambda: seen.append(writer.get()))
    engine.runner.at_ends(lambda: seen.append(None))
    engine.run()
    assert seen == [None, first, None, failed]


def test_results_are_numbered_from_one_in_order(engine: Engine) -> None:
    attempts = [engine.apply(abs, -number) for number in range(5)]
    ended = engine.run()
    assert [value(item) for item in ended] == [0, 1, 2, 3, 4]
    assert [item.message.number for item in ended] == [1, 2, 3, 4, 5]
    assert [item.message.task for item in ended] == [attempt.run.task for attempt in attempts]
    assert all(item.message.outcome.seconds >= 0 for item in ended)


def test_one_wake_up_serves_many_results(engine: Engine) -> None:
    for _ in range(50):
        engine.apply(abs, -1)
    assert len(engine.run()) == 50
    assert engine.wakes <= 2


def test_the_result_of_a_task_that_took_a_while_is_written_before_the_next_task_starts(engine: Engine) -> None:
    written: list[Any] = []

    def write_now(message: Any) -> bool:
        written.append((message.task, engine.queue.length))
        return True

    def take_a_while() -> None:
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end:
            pass

    engine.outbox.write_now = write_now
    first = engine.apply(take_a_while)
    engine.apply(abs, -1)
    engine.run()
    assert written[0] == (first.run.task, 1)


def test_a_failure_is_packed_with_its_words(engine: Engine) -> None:
    engine.apply(int, "x")
    (item,) = engine.run()
    assert item.message.outcome.status == Status.ERROR
    assert item.message.outcome.error.startswith("ValueError: invalid literal")
    assert isinstance(unpack_failure(item.message.body), ValueError)


def test_an_exception_that_cannot_even_be_described_is_a_failure_all_the_same(engine: Engine) -> None:
    class Nasty(Exception):
        def __str__(self) -> str:
            raise SystemExit

    def fail() -> None:
        raise Nasty

    engine.apply(fail)
    (item,) = engine.run()
    assert item.message.outcome.status == Status.ERROR
    assert "Nasty" in item.message.outcome.error


def test_a_large_result_is_handed_over_in_segments(engine: Engine) -> None:
    engine.apply(bytes, 90_000)
    (item,) = engine.run()
    assert isinstance(item.message.body, Stream)
    assert item.message.body.size == sum(segment.nbytes for segment in item.body)


def test_a_result_over_the_limit_fails(engine: Engine) -> None:
    engine.apply(bytes, 200_000)
    (item,) = engine.run()
    assert "max_result_bytes" in item.message.outcome.error


def test_a_missing_function_is_asked_for_and_its_task_waits(engine: Engine) -> None:
    attempt = engine.apply(abs, -1, known=False)
    engine.apply(abs, -2, known=False)
    engine.queue.revoke(engine.queue.held()[1][1])
    engine.at_wake = engine.queue.close  # nothing comes: the loop must end
    (item,) = engine.run()
    assert isinstance(item, MissingHere)
    assert item.attempt is attempt
    assert engine.queue.held() == ([], [attempt.key])
    assert not attempt.ready


def test_push_and_pull(engine: Engine) -> None:
    engine.send(Call(Kind.PUSH), pack({"a": 1}))
    engine.send(Call(Kind.PULL), pack(["a", "a + 1"]))
    engine.send(Call(Kind.PULL), pack("a"))
    engine.send(Call(9), b"")
    *items, unknown = engine.run()
    assert [value(item) for item in items] == [None, [1, 2], 1]
    assert "kind 9" in unknown.message.outcome.error


def test_an_engine_that_keeps_too_much_starts_nothing_until_half_of_it_is_acknowledged(engine: Engine) -> None:
    for _ in range(10):
        engine.apply(lambda: bytes(20_000))
    ended = engine.run()
    assert len(ended) == 3
    assert engine.budget.full
    assert engine.run() == []

    engine.budget.release(ended[0].size)
    assert engine.run() == []
    engine.budget.release(ended[1].size)

    assert not engine.budget.full
    assert len(engine.run()) == 2


def test_what_a_task_wrote_counts_as_well(engine: Engine) -> None:
    attempt = engine.apply(lambda: None)
    attempt.output = TaskOutput(2 * BUDGET)
    attempt.output.write(1, "x" * BUDGET)
    engine.apply(lambda: None)

    [ended] = engine.run()

    assert ended.size > BUDGET + RESULT_BYTES
    assert engine.budget.full
