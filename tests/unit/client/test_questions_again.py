"""Questions that are open while the connection breaks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.state.questions import Questions
from engineroom.errors import EngineroomError
from engineroom.protocol.messages import Answer, Ask, Signal
from engineroom.protocol.questions import AskBounds, AskQueues
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


def cut_while(fake: FakeController, call: Callable[[], object], kind: type) -> Any:
    """Return what `call` returns, or raises, although its first answer never comes."""
    fake.heard.clear()
    fake.deaf = True
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(call)
        assert wait_until(lambda: fake.heard_of(kind))
        fake.deaf = False
        fake.do(fake.cut)
        return asking.result(SECONDS)


def test_a_question_whose_answer_was_lost_is_asked_again(rc: Client, fake: FakeController) -> None:
    assert cut_while(fake, rc.queue_status, Ask)["unassigned"] == 0
    fake.records = [{"msg_id": "one"}]
    assert cut_while(fake, rc.db_query, Ask) == fake.records


def test_what_must_not_be_done_twice_is_told(rc: Client, fake: FakeController) -> None:
    with pytest.raises(EngineroomError, match="was lost before it said whether the signal was sent: look, and then"):
        cut_while(fake, lambda: rc.send_signal("SIGUSR1", 0), Signal)
    assert len(fake.heard_of(Signal)) == 1


def test_only_what_is_open_and_was_sent_is_said_again() -> None:
    questions = Questions()
    numbers = [questions.new()[0] for _ in range(5)]
    messages = [
        questions.asks(number, Ask(number, AskBounds() if number % 2 else AskQueues()), "what") for number in numbers
    ]
    answered, forgotten, unsent, *others = numbers
    questions.answered(Answer(answered))
    questions.forget(forgotten)
    assert questions.again({unsent}) == questions.again({unsent}) == [messages[-2], messages[-1]]
    assert [questions.answer(number) for number in (answered, *others)] == [Answer(answered), None, None]
