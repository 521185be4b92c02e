"""What each kind of peer may say, and what comes of it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from engineroom.controller import receivers
from engineroom.controller.answers import MOST_QUESTIONS
from engineroom.controller.shell import Controller
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import (
    Answer,
    Ask,
    Call,
    EngineLeft,
    Finished,
    Function,
    Kind,
    NeedFunction,
    Ran,
    Result,
    Run,
    Shutdown,
    Signal,
    SignalProcess,
    Status,
    Submit,
)
from engineroom.protocol.questions import AskEngine, AskQueues
from engineroom.transport.connection import Connection
from tests.patience import comes_true, turns
from tests.unit.controller.conversations import Somebody, talk

OK = Ran(Status.OK, 1.0, 0.0)


async def runs(engine: Somebody, client: Somebody, number: int, body: bytes = b"result") -> Result:
    """Return what the client hears of its task of this number, once the engine has run it."""
    run = await engine.hears(Run, number)
    engine.say(Finished(number, run.task, run.attempt, OK, body))
    return await client.hears(Result, number)


def test_a_task_goes_to_an_engine_and_its_result_comes_back(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        engine, client = Somebody(controller, "engine"), Somebody(controller, "client")
        client.say(Submit(client.task(1), Call(Kind.APPLY, b"", b"call")))
        result = await runs(engine, client, 1)
        assert (result.task, result.outcome.status, result.body) == (client.task(1), Status.OK, b"result")

    talk(tmp_path, story)


def test_a_function_is_sent_once_to_each_engine_before_what_needs_it(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        engine, client = Somebody(controller, "engine"), Somebody(controller, "client")
        digest = content_hash([b"code"], ())
        client.say(Function(digest, b"code"))
        for number in (1, 2):
            client.say(Submit(client.task(number), Call(Kind.APPLY, digest, b"call")))
            await runs(engine, client, number)
        kinds = [type(message) for message in engine.heard if isinstance(message, Function | Run)]
        assert kinds == [Function, Run, Run]
        engine.say(NeedFunction(digest))
        await engine.hears(Function, 2)

    talk(tmp_path, story)


def test_questions_are_answered_in_their_order(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        Somebody(controller, "engine")
        client = Somebody(controller, "client")
        client.say(Ask(1, AskQueues()), Ask(2, AskEngine(99)), Ask(3, AskEngine(0)))
        await client.hears(Answer, 3)
        assert [said.number for said in client.of(Answer)] == [1, 2, 3]

    talk(tmp_path, story)


def test_who_asks_more_than_may_be_open_is_sent_away(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        client = Somebody(controller, "client")
        client.say(*(Ask(number, AskQueues()) for number in range(2 * MOST_QUESTIONS)))
        assert f"more than {MOST_QUESTIONS} questions" in await client.is_sent_away()

    talk(tmp_path, story)


def test_a_client_ends_engines_and_the_controller(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        engine, client = Somebody(controller, "engine"), Somebody(controller, "client")
        client.say(Shutdown(engines=(0,), reason="enough"))
        assert (await engine.hears(Shutdown)).reason == "enough"
        engine.connection.close("as told")
        assert (await client.hears(EngineLeft)).engine == 0
        client.say(Shutdown(controller=True, reason="good night"))
        await controller.run_until_stopped()
        assert controller.stop_reason == "good night"

    talk(tmp_path, story)


def test_a_host_speaks_for_its_own_engines_only(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        host, other = Somebody(controller, "host"), Somebody(controller, "host")
        mine, another = (Somebody(controller, "engine", host=each.identity) for each in (host, other))
        host.say(Signal(engines=(0, 1), signum=10), Shutdown(engines=(0, 1), controller=True, reason="enough"))
        assert (await mine.hears(Shutdown)).reason == "enough"
        assert (await host.hears(SignalProcess)).signum == 10
        await turns()
        assert (another.of(Shutdown), other.of(SignalProcess), controller.stop_reason) == ([], [], "")

    talk(tmp_path, story)


@pytest.mark.parametrize(("role", "wrong"), [("host", Submit), ("engine", Submit), ("client", Finished)])
def test_what_a_role_may_not_say_ends_its_connection_and_no_other(tmp_path: Path, role: str, wrong: type) -> None:
    async def story(controller: Controller) -> None:
        engine, client = Somebody(controller, "engine"), Somebody(controller, "client")
        liar = Somebody(controller, role)
        said: Any = Submit(liar.task(1), Call(Kind.APPLY, b"", b"call"))
        liar.say(Finished(1, liar.task(1), 1, OK, b"x") if wrong is Finished else said)
        assert await liar.is_sent_away()
        client.say(Submit(client.task(1), Call(Kind.APPLY, b"", b"call"), engine.identity))
        assert (await runs(engine, client, 1)).body == b"result"

    talk(tmp_path, story)


def test_a_mistake_of_ours_ends_the_connection_of_whoever_found_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(controller: Controller) -> None:
        engine, client = Somebody(controller, "engine"), Somebody(controller, "client")
        finder = Somebody(controller, "client")

        def fails(*_: Any) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(controller.signals, "take", fails)
            finder.say(Signal(engines=(0,), signum=2, number=1))
            assert "failed on a message of this client (Signal)" in await finder.is_sent_away()
        client.say(Submit(client.task(1), Call(Kind.APPLY, b"", b"call"), engine.identity))
        assert (await runs(engine, client, 1)).body == b"result"

    with caplog.at_level(logging.ERROR):
        talk(tmp_path, story)
    assert "ZeroDivisionError" in caplog.text


def test_who_is_gone_is_told_to_the_others(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        engine, client = Somebody(controller, "engine"), Somebody(controller, "client")
        client.say(Submit(client.task(1), Call(Kind.APPLY, b"", b"call"), engine.identity))
        await engine.hears(Run)
        engine.connection.close("it left")
        lost = await client.hears(Result)
        assert lost.outcome.status == Status.LOST
        client.connection.close("enough")
        await comes_true(lambda: not controller.links.by_peer)

    talk(tmp_path, story)


@pytest.mark.parametrize(("count", "rests"), [(100, 1), (99, 0)])
def test_who_says_much_at_once_is_read_again_after_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, rests: int
) -> None:
    rested: list[Connection] = []
    monkeypatch.setattr(receivers, "rest", rested.append)

    async def story(controller: Controller) -> None:
        engine, client = Somebody(controller, "engine"), Somebody(controller, "client")
        for number in range(1, count + 1):
            client.say(Submit(client.task(number), Call(Kind.APPLY, b"", b"call")))
        await engine.hears(Run, 1)
        assert len(rested) == rests

    talk(tmp_path, story)


def test_what_comes_of_several_records_in_one_tick_is_written_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(controller: Controller) -> None:
        engines, client = [Somebody(controller, "engine") for _ in range(4)], Somebody(controller, "client")
        for number in range(1, 5):
            client.say(Submit(client.task(number), Call(Kind.APPLY, b"", b"call")))
        ran = [await engine.hears(Run, 1) for engine in engines]
        flushed: list[Connection] = []
        flush = Connection.flush
        monkeypatch.setattr(Connection, "flush", lambda self: (flushed.append(self), flush(self)))
        for engine, run in zip(engines, ran, strict=True):
            engine.say(Finished(1, run.task, run.attempt, OK, b"result"))
        await client.hears(Result, 4)
        its = next(link.connection for link in controller.links.by_peer.values() if link.role == "client")
        assert flushed.count(its) == 2

    talk(tmp_path, story)
