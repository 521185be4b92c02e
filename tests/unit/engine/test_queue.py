"""The queue as a state machine: every attempt is started once or given back, never both, never neither."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engineroom.engine.attempts import Attempt
from engineroom.engine.idling import Idling
from engineroom.engine.queue import TaskQueue, Wakeup
from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import Call, Run
from engineroom.protocol.streams import Payload
from tests.examples import drawn
from tests.patience import SECONDS

SESSION = SessionId(bytes(16))


@pytest.fixture(params=["a lock", "what reads meanwhile"])
def wakeup(request: pytest.FixtureRequest) -> Wakeup | None:
    """What a main thread waits on."""
    return None if request.param == "a lock" else Idling()


def attempt(number: int, *, direct: bool = False, arriving: bool = False, session: SessionId = SESSION) -> Attempt:
    return Attempt.of(Run(task_id(session, number), 1, Call(0), direct=direct), Payload(8) if arriving else None)


def started(queue: TaskQueue) -> list[Attempt]:
    """Start, and end, everything that can be."""
    found = []
    while (next_one := queue.start_next()) is not None:
        found.append(next_one)
        queue.finish()
    return found


def test_direct_ones_go_first_each_lane_in_order() -> None:
    a, b, c, d = attempt(1), attempt(2, direct=True), attempt(3), attempt(4, direct=True)
    queue = TaskQueue()
    queue.add([a, b, c, d])
    assert started(queue) == [b, d, a, c]


def test_a_direct_one_that_is_not_ready_blocks_later_direct_ones_only() -> None:
    late, later, balanced = attempt(1, direct=True, arriving=True), attempt(2, direct=True), attempt(3)
    queue = TaskQueue()
    queue.add([late, later, balanced])
    assert started(queue) == [balanced]
    queue.make_ready(late)
    assert started(queue) == [late, later]


def test_one_client_does_not_wait_for_what_another_sends() -> None:
    other = SessionId(b"o" * 16)
    late, later = attempt(1, direct=True, arriving=True), attempt(2, direct=True)
    theirs = [attempt(number, direct=True, session=other) for number in (1, 2)]
    queue = TaskQueue()
    queue.add([late, later, *theirs])
    assert started(queue) == theirs
    queue.make_ready(late)
    queue.add([third := attempt(3, direct=True, session=other)])
    assert started(queue) == [late, third, later], "in turn"


def test_a_balanced_one_that_is_not_ready_is_passed_over() -> None:
    late, later = attempt(1, arriving=True), attempt(2)
    queue = TaskQueue()
    queue.add([late, later])
    assert started(queue) == [later]
    queue.make_ready(late)
    assert started(queue) == [late]


def test_what_is_here_already_is_not_added_again() -> None:
    one = attempt(1)
    queue = TaskQueue()
    queue.add([one, attempt(1)])
    assert queue.start_next() is one
    queue.add([attempt(1)])
    assert queue.start_next() is None


def test_one_that_was_put_back_waits_in_its_place() -> None:
    one, two = attempt(1, direct=True), attempt(2, direct=True)
    queue = TaskQueue()
    queue.add([one, two])
    assert queue.start_next() is one
    queue.put_back(one)
    assert queue.start_next() is None
    queue.make_ready(one)
    assert started(queue) == [one, two]


def test_what_was_announced_is_not_given_back() -> None:
    one = attempt(1)
    queue = TaskQueue()
    queue.add([one])
    queue.start_next()
    one.announced = True
    queue.put_back(one)
    queue.make_ready(one)
    assert not queue.revoke(one.key)
    assert started(queue) == [one]


def test_what_was_announced_and_lacks_its_function_is_given_back() -> None:
    one = attempt(1)
    queue = TaskQueue()
    queue.add([one])
    queue.start_next()
    one.announced = True
    queue.put_back(one)
    assert queue.revoke(one.key)
    queue.make_ready(one)
    assert started(queue) == []


def test_what_is_still_arriving_goes_with_its_connection() -> None:
    whole, half = attempt(1), attempt(2, direct=True, arriving=True)
    queue = TaskQueue()
    queue.add([whole, half])
    queue.drop_incomplete()
    assert queue.held() == ([], [whole.key])


def test_what_waited_behind_one_that_is_given_back_wakes_the_main_thread(wakeup: Wakeup | None) -> None:
    late, later = attempt(1, direct=True, arriving=True), attempt(2, direct=True)
    queue = TaskQueue(wakeup)
    queue.add([late, later])
    woken = threading.Thread(target=queue.wait)
    woken.start()
    assert queue.revoke(late.key)
    woken.join(SECONDS)
    assert not woken.is_alive()
    assert started(queue) == [later]


def test_waiting_ends_when_there_is_something_and_when_the_queue_closes(wakeup: Wakeup | None) -> None:
    queue = TaskQueue(wakeup)
    seen: list[object] = []

    def main_thread() -> None:
        while queue.wait():
            seen.append(queue.start_next())
            queue.finish()
        seen.append("closed")

    thread = threading.Thread(target=main_thread)
    thread.start()
    attempts = [attempt(number) for number in range(50)]
    for one in attempts:
        queue.add([one])
    revoked = [one for one in attempts if queue.revoke(one.key) and one not in seen]
    while len(seen) + len(revoked) < len(attempts):
        queue.make_ready(attempts[0])
    queue.close()
    thread.join()
    assert seen[-1] == "closed"
    assert queue.start_next() is None


class Lives(RuleBasedStateMachine):
    """Random stories of adding, arriving, starting, ending and giving back."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = TaskQueue()
        self.known: list[Attempt] = []
        self.waiting: set[int] = set()
        self.running: Attempt | None = None
        self.ran: list[int] = []
        self.revoked: set[int] = set()

    def number(self, one: Attempt) -> int:
        return self.known.index(one)

    @rule(kinds=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=4))
    def add(self, kinds: Sequence[tuple[bool, bool]]) -> None:
        new = [
            attempt(len(self.known) + offset, direct=direct, arriving=arriving)
            for offset, (direct, arriving) in enumerate(kinds)
        ]
        self.waiting |= set(range(len(self.known), len(self.known) + len(new)))
        self.known += new
        self.queue.add(new)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        self.queue.make_ready(data.draw(st.sampled_from(self.known)))

    @precondition(lambda self: self.running is None)
    @rule()
    def start(self) -> None:
        one = self.queue.start_next()
        if one is None:
            return
        number = self.number(one)
        assert one.ready
        assert number in self.waiting
        earlier = [n for n in self.waiting if n < number and self.known[n].run.direct]
        assert not one.run.direct or not earlier
        direct = [n for n in sorted(self.waiting) if self.known[n].run.direct]
        assert one.run.direct or not direct or not self.known[direct[0]].ready
        self.waiting.discard(number)
        self.running = one

    @precondition(lambda self: self.running is not None)
    @rule()
    def end(self) -> None:
        assert self.running is not None
        self.ran.append(self.number(self.running))
        self.running = None
        self.queue.finish()

    @precondition(lambda self: self.running is not None)
    @rule()
    def put_back(self) -> None:
        assert self.running is not None
        self.waiting.add(self.number(self.running))
        self.queue.put_back(self.running)
        self.running = None

    @precondition(lambda self: self.waiting or self.running is not None)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        running = set() if self.running is None else {self.number(self.running)}
        number = data.draw(st.sampled_from(sorted(self.waiting | running)))
        given_back = self.queue.revoke(self.known[number].key)
        assert given_back == (number in self.waiting)
        if given_back:
            self.waiting.discard(number)
            self.revoked.add(number)

    @rule(numbers=st.sets(st.integers(0, 1000), max_size=5))
    def revoke_all(self, numbers: set[int]) -> None:
        chosen = {number % len(self.known) for number in numbers} if self.known else set()
        gone, started = self.queue.revoke_all([self.known[number].key for number in chosen])
        running = {number for number in chosen if self.running is self.known[number]}
        assert started == [self.known[number].key for number in running]
        assert set(gone) == {self.known[number].key for number in chosen - running}
        self.revoked |= chosen & self.waiting
        self.waiting -= chosen

    @invariant()
    def everything_is_in_one_place(self) -> None:
        running, queued = self.queue.held()
        assert set(queued) == {self.known[number].key for number in self.waiting}
        assert len(queued) == len(self.waiting)
        assert running == ([] if self.running is None else [self.running.key])
        assert len(self.ran) == len(set(self.ran))
        assert not self.revoked & set(self.ran)
        assert self.queue.running is self.running


TestLives = Lives.TestCase
TestLives.settings = drawn(60, stateful_step_count=40)


def test_what_is_held_for_two_reasons_goes_on_when_both_are_gone() -> None:
    queue = TaskQueue()
    queue.add([attempt(1)])
    queue.hold(held=True)
    queue.hold(held=True, why="link")
    queue.hold(held=False)
    assert queue.start_next() is None
    queue.hold(held=False, why="link")
    assert queue.start_next() is not None
