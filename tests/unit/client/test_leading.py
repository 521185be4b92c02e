"""The thread that waits for a lone call reads the connection itself; whatever interrupts it, nothing is lost."""

from __future__ import annotations

import dis
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.connection import leading
from engineroom.errors import ConnectionFailed
from engineroom.transport.reading import POSSIBLE
from tests.conftest import wait_until
from tests.examples import stride
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController
from tests.unit.client.over_sockets import FarController
from tests.unit.client.steps import CALLED, Interrupted, at_step, interrupt, steps_in

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="needs epoll and eventfd")

READS = ("client/connection/leading", "client/connection/inbox", "transport/reading", "transport/connection")


@pytest.fixture
def fake() -> FakeController:
    return FarController()


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the threads that have taken results themselves, one for each."""
    found: list[int] = []
    enter = leading.enter

    def noting(*arguments: Any) -> bool:
        entered = enter(*arguments)
        if entered:
            found.append(threading.get_ident())
        return entered

    monkeypatch.setattr(leading, "enter", noting)
    return found


def lone(rc: Client, value: int = 1) -> Any:
    return rc.load_balanced_view().apply_async(abs, -value)


@contextmanager
def answered_later(rc: Client, fake: FakeController, value: int = 1) -> Iterator[Any]:
    """Yield a lone call whose result comes when somebody waits for it already."""
    fake.holding = True
    waits = lone(rc, value)
    later = threading.Timer(0.005, lambda: fake.do(fake.go_on))
    later.start()
    try:
        yield waits
    finally:
        later.join()


def test_the_thread_that_waits_for_a_lone_call_takes_its_result(
    rc: Client, fake: FakeController, readers: list[int]
) -> None:
    lone(rc).get(SECONDS)
    readers.clear()
    for number in range(20):
        with answered_later(rc, fake, number) as result:
            assert result.get(SECONDS) == number
        assert result.engine_id in fake.engines
        assert rc.metadata[result.msg_ids[0]].engine_id == result.engine_id
    assert readers.count(threading.get_ident()) > 10  # else the I/O thread was just reading
    assert set(readers) == {threading.get_ident()}
    assert wait_until(lambda: len(fake.delivered()) == 21)


def test_what_others_wait_for_and_all_that_is_not_simple_is_the_io_threads(
    rc: Client, fake: FakeController, readers: list[int]
) -> None:
    view = rc.load_balanced_view()
    called: list[Any] = []
    with_callback = lone(rc)
    with_callback.add_done_callback(called.append)
    assert with_callback.get(SECONDS) == 1
    assert wait_until(lambda: called == [with_callback])
    with pytest.raises(ZeroDivisionError):
        view.apply_sync(lambda: 1 / 0)
    assert view.apply_sync(lambda: b"x" * 3_000_000) == b"x" * 3_000_000
    assert view.map_sync(abs, range(-5, 0)) == [5, 4, 3, 2, 1]
    fake.holding = True
    shared, values = lone(rc, 3), []
    threads = [threading.Thread(target=lambda: values.append(shared.get(SECONDS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: len(shared._watchers or ()) == 4)
    readers.clear()
    fake.answer()
    for thread in threads:
        thread.join(SECONDS)
    assert values == [3] * 4
    assert readers == []


def steps_of_a_wait(rc: Client, fake: FakeController) -> int:
    lone(rc).get(SECONDS)
    with answered_later(rc, fake) as waits:
        return steps_in(lambda: waits.get(SECONDS), only_after_calls=True, within=READS)


def test_an_exception_at_any_step_of_a_wait_loses_nothing(rc: Client, fake: FakeController, readers: list[int]) -> None:
    for step in range(1, steps_of_a_wait(rc, fake) + 1, stride()):
        with answered_later(rc, fake, step) as waits:
            try:
                with at_step(step, interrupt, only_after_calls=True, within=READS):
                    assert waits.get(SECONDS) == step
            except Interrupted:
                assert waits.get(10) == step, step
        assert lone(rc, step).get(SECONDS) == step
    assert readers
    assert rc.wait(timeout=SECONDS)
    assert wait_until(lambda: len(fake.delivered()) == rc._session.last_number)
    assert rc._session.room.released == rc._session.outgoing.submitted_bytes


def test_a_handler_may_wait_at_any_step_of_a_wait(rc: Client, fake: FakeController, readers: list[int]) -> None:
    view, found = rc.load_balanced_view(), []

    def use() -> None:
        fake.do(fake.go_on)
        found.append((view.apply_sync(abs, -2), rc[:].apply_sync(abs, -3), rc.queue_status() is not None))

    for step in range(1, steps_of_a_wait(rc, fake) + 1, stride()):
        found.clear()
        with answered_later(rc, fake, step) as waits, at_step(step, use, only_after_calls=True, within=READS):
            assert waits.get(SECONDS) == step
        assert found in ([], [(2, [3, 3], True)]), step
    assert readers
    assert rc.wait(timeout=SECONDS)


def test_a_wait_goes_on_over_the_next_connection(rc: Client, fake: FakeController, readers: list[int]) -> None:
    fake.holding = True
    result = lone(rc)
    assert wait_until(lambda: fake.held)
    threading.Timer(0.01, lambda: fake.do(fake.cut)).start()
    threading.Timer(0.02, lambda: fake.do(fake.go_on)).start()
    assert result.get(SECONDS) == 1
    readers.clear()
    assert lone(rc, 2).get(SECONDS) == 2


def test_a_wait_ends_with_its_time_and_with_the_client(rc: Client, fake: FakeController) -> None:
    lone(rc).get(SECONDS)
    fake.holding = True
    result = lone(rc)
    assert not result.wait(0.01)
    with pytest.raises(TimeoutError):
        result.get(0.01)
    threading.Timer(0.02, rc.close).start()
    with pytest.raises(ConnectionFailed):
        result.get(SECONDS)


def test_several_threads_call_one_by_one_and_all_are_answered(rc: Client) -> None:
    wrong: list[Any] = []

    def work(thread: int) -> None:
        view = rc.load_balanced_view()
        wrong.extend(number for number in range(thread, 200, 4) if view.apply_sync(abs, -number) != number)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert not wrong
    assert rc.wait(timeout=SECONDS)


def test_nothing_is_called_while_an_end_is_entered() -> None:
    names = [instruction.opname for instruction in dis.get_instructions(leading.enter)]
    assert not set(names) & (CALLED - {"RESUME"})
