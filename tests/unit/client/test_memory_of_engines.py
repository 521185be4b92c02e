"""How much memory engines take: looked at where that can be done, else asked."""

from __future__ import annotations

import os
from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.client.engines.memory import memory_of
from engineroom.client.state.engine_table import EngineTable
from engineroom.client.waiting.waits import Deadline
from engineroom.protocol.messages import Answer, Ask
from engineroom.protocol.questions import NamesThere
from tests.patience import SECONDS


@pytest.mark.parametrize("told", [5_000_000, 0])
def test_engines_elsewhere_are_asked_and_those_that_do_not_say_are_left_out(
    rc: Client, session: Session, monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    monkeypatch.setattr(EngineTable, "processes_here", lambda table: {0: os.getpid()})
    sent: list[Any] = []

    def send(message: Ask) -> None:
        sent.append(message.question)
        session.questions.answered(Answer(message.number, NamesThere((), told)))

    monkeypatch.setattr(session, "send", send)
    found = memory_of(session, rc.ids, Deadline(SECONDS))
    assert [question.engine for question in sent] == [1]
    assert found.pop(0) > 1_000_000
    assert found == ({1: told} if told else {})


def test_engines_that_do_not_answer_in_time_are_left_out(
    rc: Client, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EngineTable, "processes_here", lambda table: {})
    monkeypatch.setattr(session, "send", lambda message: None)
    assert memory_of(session, rc.ids, Deadline(0.01)) == {}
    assert not session.questions.are_open
