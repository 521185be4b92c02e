"""Results of tasks that other clients submitted: asked for by id, and told when these end."""

from __future__ import annotations

from typing import Any

import pytest

import engineroom as er
from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.ids import SessionId, TaskId, msg_id, task_id
from engineroom.protocol.history import AskResult
from engineroom.protocol.messages import Ask, Outcome, Output, Status
from engineroom.serialize.payloads import pack
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController

OTHER = SessionId(b"other client's 1")
OK = Outcome(Status.OK, 1.0, 0.5)


def of_another(number: int = 1) -> TaskId:
    return task_id(OTHER, number)


def asked(fake: FakeController, count: int = 1) -> list[Ask]:
    """Return the questions how tasks ended, once there are so many."""

    def questions() -> list[Ask]:
        return [ask for ask in fake.heard_of(Ask) if isinstance(ask.question, AskResult)]

    assert wait_until(lambda: len(questions()) >= count)
    return questions()


def know(fake: FakeController, task: TaskId, value: Any = 7, outcome: Outcome = OK) -> None:
    fake.recorded[task] = (outcome, pack(value), 3)


def test_the_result_of_another_client_is_found_by_its_id(rc: Client, fake: FakeController) -> None:
    know(fake, of_another(), {"a": [1, 2]})
    found = rc.get_result(msg_id(of_another()))
    assert isinstance(found, er.AsyncHubResult)
    assert found.get(SECONDS) == {"a": [1, 2]}
    assert (found.msg_id, found.engine_id, found.status) == (msg_id(of_another()), 3, "ok")
    assert msg_id(of_another()) not in rc.history


def test_several_results_are_a_list_in_the_order_of_the_ids(rc: Client, fake: FakeController) -> None:
    for number in (1, 2, 3):
        know(fake, of_another(number), number)
    assert rc.get_result([msg_id(of_another(number)) for number in (3, 1)]).get(SECONDS) == [3, 1]


def test_own_and_other_results_can_be_asked_for_together(rc: Client, fake: FakeController) -> None:
    know(fake, of_another(), 7)
    own = rc[0].apply_async(abs, -1)
    assert rc.get_result([own, msg_id(of_another()), own.msg_id]).get(SECONDS) == [1, 7, 1]


def test_its_end_is_pushed_and_asked_for_once_more_after_a_cut(
    rc: Client, fake: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engineroom.client.results.history.statuses", lambda *_: {})
    found = rc.get_result(msg_id(of_another()))
    asked(fake)
    assert not found.done()
    fake.do(fake.cut)
    asked(fake, 2)
    know(fake, of_another())
    fake.do(fake.send, Output(of_another(), 1, 1, 0, "hello"))
    fake.do(fake.tell_end, asked(fake, 2)[-1].number, of_another())
    assert found.get(SECONDS) == 7
    assert found.stdout == "hello"


def test_its_error_is_raised(rc: Client, fake: FakeController) -> None:
    fake.recorded[of_another()] = (Outcome(Status.LOST, 0.0, 0.0, "engine 3 died"), b"", 3)
    with pytest.raises(er.EngineError, match="engine 3 died"):
        rc.get_result(msg_id(of_another())).get(SECONDS)


@pytest.mark.parametrize("name", [f"{'0' * 32}_1", f"{'ab' * 16}_0"])
def test_a_task_that_nobody_knows_is_named(rc: Client, name: str) -> None:
    with pytest.raises(KeyError, match=name):
        rc.get_result(name)


def test_only_who_submitted_a_task_can_cancel_it(rc: Client, fake: FakeController) -> None:
    know(fake, of_another())
    found = rc.get_result(msg_id(of_another()))
    with pytest.raises(er.EngineroomError, match="not submitted by this client"):
        found.abort()


def test_who_does_not_want_it_any_more_may_cancel_the_wait(
    rc: Client, session: Session, fake: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engineroom.client.results.history.statuses", lambda *_: {})
    found = rc.get_result(msg_id(of_another()))
    asked(fake)
    assert found.cancel()
    assert not session.foreign


def test_waits_for_others_end_with_the_session(
    rc: Client, fake: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engineroom.client.results.history.statuses", lambda *_: {})
    found = rc.get_result(msg_id(of_another()))
    asked(fake)
    rc.close()
    with pytest.raises(er.ConnectionFailed, match="closed"):
        found.get(SECONDS)


def test_it_is_no_argument_of_a_call(rc: Client, fake: FakeController) -> None:
    know(fake, of_another())
    found = rc.get_result(msg_id(of_another()))
    with pytest.raises(Exception, match="pass its value"):
        rc[0].apply_async(abs, found)
