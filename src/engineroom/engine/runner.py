"""The main thread's loop: start the next attempt, run it, pack how it ended, hand that over."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, time

from engineroom.engine.attempts import Attempt, Ended
from engineroom.engine.budget import Budget
from engineroom.engine.capture import writer
from engineroom.engine.descriptors import Descriptors
from engineroom.engine.forking import end_child
from engineroom.engine.inputs import Inputs
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.limits import check_size
from engineroom.engine.namespace import Namespace
from engineroom.engine.now_running import NowRunning
from engineroom.engine.outbox import Outbox
from engineroom.engine.queue import TaskQueue
from engineroom.engine.streams import Streams
from engineroom.engine.verdicts import judged
from engineroom.errors import UnmetDependency
from engineroom.protocol.messages import Call, Finished, Ran, Status, Stream
from engineroom.protocol.streams import Packed
from engineroom.serialize.chunks.items import Results
from engineroom.serialize.functions.interactive import home
from engineroom.serialize.functions.table import MissingFunction
from engineroom.serialize.futures import given
from engineroom.serialize.payloads import pack

PackFailure = Callable[[BaseException, Call], tuple[str, Packed]]

_OK, _ERROR = int(Status.OK), int(Status.ERROR)

_WORTH_A_WRITE = 0.0005
"""Seconds that a task takes which need not share a write, or the I/O thread's next turn, with others."""


class Runner:
    """Runs attempts one by one; `run` returns when the queue is closed."""

    def __init__(
        self,
        queue: TaskQueue,
        outbox: Outbox,
        namespace: Namespace,
        *,
        interrupts: Interrupts,
        pack_failure: PackFailure,
        descriptors: Descriptors,
        streams: Streams,
        budget: Budget,
        max_result_bytes: int,
        runs: NowRunning | None = None,
        inputs: Inputs | None = None,
    ) -> None:
        self._queue, self._outbox, self._namespace = queue, outbox, namespace
        self._pack_failure, self._descriptors = pack_failure, descriptors
        self._settle: Callable[[], object] = streams.settle
        """Ends what the task that has just run writes."""
        self._interrupts, self._budget = interrupts, budget
        self._max_result_bytes = max_result_bytes
        self._runs = runs or NowRunning()
        self._inputs = inputs
        self._finished = 0
        self._forked = False

    def at_ends(self, act: Callable[[], object]) -> None:
        """Call `act` at the end of each task from now on, while what it writes is still that task's."""
        settle = self._settle

        def both() -> None:
            act()
            settle()

        self._settle = both

    def forked(self) -> None:
        """In a child that user code forked: it is no engine, and ends with its part of the task."""
        self._forked = True

    def run(self) -> None:
        queue = self._queue
        while True:
            attempt = queue.start_next()
            if attempt is not None:
                self.start(attempt)
                continue
            self._outbox.flush()
            self._runs.clear()
            if not queue.wait():
                return
            self._descriptors.read(None)  # what was written while no task ran is nobody's
            if queue.between:
                queue.take_between()()
                queue.end_between()

    def run_between(self, attempt: Attempt) -> Packed:
        """Run what is no task, as if it were `attempt`; return its packed result, or raise what it raises."""
        writer.set(attempt)
        try:
            return self.enter(attempt)
        except BaseException as problem:
            if self._forked:
                end_child(problem)
            raise
        finally:
            if self._forked:
                end_child(None)
            self._settle()
            self._descriptors.settle(attempt)
            attempt.ended = True
            writer.set(None)

    def start(self, attempt: Attempt) -> None:  # noqa: C901 (it is called for each task)
        """Run an attempt that the queue has started, to its end."""
        run = attempt.run
        self._runs.note(run.task, run.attempt)
        if run.announce and not attempt.announced:
            self._outbox.announce(attempt)
        writer.set(attempt)
        wall, start = time(), monotonic()
        status, error = _OK, ""
        body: Packed
        try:
            body = self.enter(attempt)
        except MissingFunction as missing:
            writer.set(None)
            attempt.began = 0.0
            self._queue.put_back(attempt)
            self._outbox.function_missing(attempt, missing.hash)
            return
        except BaseException as problem:  # noqa: BLE001 (SystemExit too: the task fails and the engine lives)
            if self._forked:
                end_child(problem)
            if type(problem) is UnmetDependency and self._refuse(attempt, problem):
                return
            status = _ERROR
            error, body = self._pack_failure(judged(attempt, problem), run.call)
        if self._forked:
            end_child(None)
        now = monotonic()
        self._settle()
        self._descriptors.settle(attempt)
        attempt.ended = True
        writer.set(None)
        attempt.body = None
        self._finished += 1
        outcome = Ran(status, wall, now - start, error, home.take_shadowed() if home.shadowed else ())
        output = attempt.output
        written = 0 if output is None else output.size
        if type(body) is bytes:
            message = Finished(self._finished, run.task, run.attempt, outcome, body)
            ended = Ended(message, None, output, self._budget.make(len(body) + written))
            shares = self._queue.more and now - start < _WORTH_A_WRITE
            if shares or not self._outbox.ended_alone(ended):
                self._outbox.ended(ended, now)
        else:
            ended = self._hand_over_large(attempt, outcome, body, written, now)
        if self._inputs is not None and self._inputs.wanted:
            self._inputs.made(run.task, ended)
        self._queue.finish()

    def _refuse(self, attempt: Attempt, unmet: UnmetDependency) -> bool:
        """Have another engine run a balanced task; whether that can be: not if it is bound to this one."""
        if attempt.run.direct:
            return False
        self._settle()
        self._descriptors.settle(attempt)
        attempt.ended = True
        writer.set(None)
        attempt.body = None
        self._outbox.refused(attempt, str(unmet))
        self._queue.finish()
        return True

    def enter(self, attempt: Attempt) -> Packed:
        """Run user code: only within this call may an interrupt be raised."""
        if attempt.run.terms is not None:
            attempt.began = monotonic()
        if self._interrupts.wanted is not None:
            self._interrupts.check(attempt)
        # Packed at once: a result is a snapshot, and its packing may run user code as well.
        if attempt.inputs is None:
            result = self._namespace.call(attempt.run.call, attempt.payload(), attempt.run.task)
        else:
            with given(attempt.inputs):
                result = self._namespace.call(attempt.run.call, attempt.payload(), attempt.run.task)
        chunk = type(result) is Results
        body = result.packed(self._namespace.complete) if chunk else pack(result, what="the result")
        check_size(body, self._max_result_bytes)
        return body

    def failure(self, attempt: Attempt, error: str, body: Packed) -> Finished:
        """Return that `attempt`, which still runs, has failed: for an I/O thread that is about to end this process."""
        outcome = Ran(_ERROR, time(), monotonic() - attempt.began if attempt.began else 0.0, error)
        inline = body if isinstance(body, bytes) else b"".join(body)
        return Finished(self._finished + 1, attempt.run.task, attempt.run.attempt, outcome, inline)

    def _hand_over_large(self, attempt: Attempt, outcome: Ran, body: Packed, written: int, now: float) -> Ended:
        run = attempt.run
        segments = [memoryview(segment) for segment in body]  # type: ignore[arg-type]  # a list here
        size = sum(segment.nbytes for segment in segments)
        message = Finished(self._finished, run.task, run.attempt, outcome, Stream(0, size))
        ended = Ended(message, segments, attempt.output, self._budget.make(size + written))
        self._outbox.ended(ended, now)
        return ended
