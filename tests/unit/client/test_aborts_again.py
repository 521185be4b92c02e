"""Calls that are aborted while the connection breaks."""

from __future__ import annotations

from engineroom.client.client import Client
from engineroom.client.state.aborts import SaidAborts
from engineroom.protocol.messages import Abort
from engineroom.protocol.task_ranges import TaskRanges
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController
from tests.unit.core.pretend import session_id


def test_of_the_latest_aborts_what_has_not_ended_is_said_again() -> None:
    session = session_id()
    aborts = SaidAborts(session, most=2)
    aborts.note([Abort(TaskRanges(session, ((1, 2),)), force=True)])
    aborts.note([Abort(TaskRanges(session, ((3, 90),))), Abort(TaskRanges(session, ((5, 5),)), interrupt=True)])
    assert aborts.again([1, 2, 4, 5, 6, 91]) == [
        Abort(TaskRanges(session, ((4, 6),)), again=True),
        Abort(TaskRanges(session, ((5, 5),)), interrupt=True, again=True),
    ]
    assert aborts.again([]) == []


def test_a_controller_that_may_not_have_heard_of_an_abort_hears_of_it_again(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    kept, unwanted = rc[0].apply_async(abs, -1), rc[0].apply_async(abs, -2)
    wait_until(lambda: len(fake.held) == 2)
    fake.do(fake.held.clear)  # so that it can do nothing about it
    unwanted.abort()
    wait_until(lambda: len(fake.heard_of(Abort)) == 1)
    fake.do(fake.cut)
    unwanted.wait(SECONDS)
    assert fake.heard_of(Abort)[1].again
    assert (unwanted.done(), kept.done()) == (True, False)
    fake.answer()
    assert kept.get(SECONDS) == 1
