"""What whoever has a key can do, and what not: each speaks of itself only."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from engineroom.controller.shell import Controller
from engineroom.errors import NotLetIn
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import (
    Answer,
    Ask,
    Call,
    Coming,
    EngineExited,
    EngineInfo,
    EngineLeft,
    Finished,
    Function,
    Kind,
    Ran,
    Result,
    Run,
    Shutdown,
    Signal,
    SignalProcess,
    Status,
    Submit,
)
from engineroom.protocol.questions import AskQueues
from tests.fuzz.arena import Story, a_task_is_done, submit
from tests.fuzz.liar import Liar
from tests.patience import comes_true

Play = Callable[[Story], None]


@pytest.mark.parametrize(("role", "other"), [("client", "client"), ("engine", "engine"), ("host", "host")])
def test_nobody_connects_under_the_name_of_another(play: Play, role: str, other: str) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        first = await Liar.join(files[role], role)

        with pytest.raises(NotLetIn, match="under the name of another one"):
            await Liar.join(files[other], other, identity=first.identity)

        assert first.is_in
        again = await Liar.join(files[role], role, secret=first.secret)
        assert again.identity == first.identity

    play(story)


def test_an_engine_knows_its_hosts_name_and_is_not_its_host(play: Play) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        host = await Liar.join(files["host"], "host")
        engine = await Liar.join(files["engine"], "engine", host=host.identity)

        with pytest.raises(NotLetIn, match="under the name of another one"):
            await Liar.join(files["host"], "host", identity=host.identity)

        host.say(Signal(engines=(engine.welcome.engine_id,), signum=signal.SIGUSR1))
        told = await host.hears(SignalProcess)
        assert told.instance == engine.identity

    play(story)


def test_a_host_does_nothing_to_the_engines_of_another(play: Play) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        host, other = await Liar.join(files["host"], "host"), await Liar.join(files["host"], "host")
        client = await Liar.join(files["client"], "client")
        engine = await Liar.join(files["engine"], "engine", host=host.identity, info=EngineInfo(pid=os.getpid()))
        id_ = engine.welcome.engine_id

        other.say(
            Signal(engines=(id_,), signum=signal.SIGKILL),
            Shutdown(engines=(id_,), controller=True, reason="I say so"),
            EngineExited(engine.identity, "I say so", own=True),
            Coming(2**20, 2**20, restarts=True),
        )

        await comes_true(lambda: other.identity in controller.state.hosts)  # the last thing that it said
        await a_task_is_done(client, engine)
        assert not any(isinstance(said, SignalProcess) for said in host.heard)
        assert not any(isinstance(said, Shutdown) for said in engine.heard)

        engine.vanishes()  # and now nobody can ask the engine itself
        other.say(EngineExited(engine.identity, "I say so", own=True))
        host.say(EngineExited(engine.identity, "exit code 3", own=True))
        left = await client.hears(EngineLeft)
        assert left.cause == "exit code 3"

    play(story)


def test_a_client_submits_tasks_of_its_own_session_only(play: Play) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        honest, liar = await Liar.join(files["client"], "client"), await Liar.join(files["client"], "client")
        engine = await Liar.join(files["engine"], "engine")

        liar.say(submit(honest, 1))

        assert await liar.is_sent_away() == "a client can submit tasks of its own session only"
        await a_task_is_done(honest, engine)

    play(story)


def test_a_function_is_what_its_hash_says_whoever_sends_it(play: Play) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        honest, liar = await Liar.join(files["client"], "client"), await Liar.join(files["client"], "client")
        engine = await Liar.join(files["engine"], "engine")
        name = content_hash([b"the truth"], ())

        liar.say(Function(name, b"a lie"))
        assert "does not match its hash" in await liar.is_sent_away()

        honest.say(Function(name, b"the truth"))
        honest.say(Submit(submit(honest, 1).task, Call(Kind.APPLY, name, b"call"), None))
        assert (await engine.hears(Function)).body == b"the truth"

    play(story)


def test_an_engine_can_end_no_task_that_another_engine_has(play: Play) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        client, engine = await Liar.join(files["client"], "client"), await Liar.join(files["engine"], "engine")
        liar = await Liar.join(files["engine"], "engine")
        client.say(submit(client, 1, to=engine.identity))
        run = await engine.hears(Run)

        liar.say(Finished(1, run.task, run.attempt, Ran(Status.OK, 1.0, 0.0), b"a lie"))
        asks = Ask(1, AskQueues())
        client.say(asks)
        await client.hears(Answer)

        engine.say(Finished(1, run.task, run.attempt, Ran(Status.OK, 1.0, 0.0), b"the truth"))
        assert (await client.hears(Result)).body == b"the truth"
        assert liar.is_in  # as an engine that was given up too early, and ends what it once had

    play(story)


@pytest.mark.parametrize("status", [status for status in Status if status > Status.ERROR])
def test_an_engine_knows_of_no_other_end_than_a_result_or_an_error(play: Play, status: Status) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        client, liar = await Liar.join(files["client"], "client"), await Liar.join(files["engine"], "engine")
        client.say(submit(client, 1))
        run = await liar.hears(Run)
        engine = await Liar.join(files["engine"], "engine")

        liar.say(Finished(1, run.task, run.attempt, Ran(status, 1.0, 0.0)))

        assert "Finished.outcome[0]: Expected `int` <= 1" in await liar.is_sent_away()
        again = await engine.hears(Run)
        engine.say(Finished(1, again.task, again.attempt, Ran(Status.OK, 1.0, 0.0), b"done"))
        assert (await client.hears(Result)).body == b"done"

    play(story)


def test_an_engine_cannot_have_the_controller_signal_another_process(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    signalled: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, signum: signalled.append(pid))

    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        client = await Liar.join(files["client"], "client")
        liar = await Liar.join(files["engine"], "engine", info=EngineInfo(pid=1, host="elsewhere"))

        client.say(Signal(engines=(liar.welcome.engine_id,), signum=signal.SIGUSR1, number=5))
        await client.hears(Answer)

        assert signalled == [os.getpid()]  # the kernel says who is at the other end of a Unix socket

    play(story)
