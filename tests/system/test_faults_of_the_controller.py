"""A mistake of ours costs the peer that found it its connection. If it damaged the state, the controller ends, and says
so."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engineroom.controller import shell
from engineroom.controller.faults import EXIT_CODE
from engineroom.controller.shell import Controller
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.ids import Peer
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.messages import Delivered, Finished, Ran, Result, Run, Signal, Status
from tests.fuzz.arena import Story, a_task_is_done, submit
from tests.fuzz.liar import Liar
from tests.patience import SECONDS


class MistakeError(Exception):
    """What a mistake in the core raises."""


def fail_on(
    monkeypatch: pytest.MonkeyPatch, wanted: Callable[[Any], bool], damage: Callable[[ControllerState], None]
) -> None:
    """Have the core fail, after `damage`, on an event that is `wanted`."""

    def failing(state: ControllerState, peer: Any, event: Any, **more: Any) -> Any:
        if wanted(event):
            state.out = []
            damage(state)
            raise MistakeError("seven")
        return handle(state, peer, event, **more)

    monkeypatch.setattr(shell, "handle", failing)


def test_a_mistake_costs_one_peer_its_connection(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fail_on(monkeypatch, lambda event: isinstance(event, Delivered) and event.up_to == 7, lambda _: None)

    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        honest, unlucky = await Liar.join(files["client"], "client"), await Liar.join(files["client"], "client")
        engine = await Liar.join(files["engine"], "engine")

        unlucky.say(Delivered(7), *(Delivered(7) for _ in range(100)))

        assert "failed on a message of this peer (Delivered)" in await unlucky.is_sent_away()
        await a_task_is_done(honest, engine)
        assert honest.is_in
        assert engine.is_in
        assert not controller.stop_reason

    play(story)
    told = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert len(told) == 1
    assert "Delivered(up_to=7" in told[0].__dict__["event"]
    assert "known up to 0" in told[0].__dict__["touched"]["session"]
    assert told[0].exc_info is not None


def test_an_engine_that_finds_a_mistake_is_lost_and_its_tasks_run_elsewhere(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_on(monkeypatch, lambda event: isinstance(event, Finished) and event.number == 13, lambda _: None)

    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        client, unlucky = await Liar.join(files["client"], "client"), await Liar.join(files["engine"], "engine")
        client.say(submit(client, 1))
        run = await unlucky.hears(Run)
        engine = await Liar.join(files["engine"], "engine")

        unlucky.say(Finished(13, run.task, run.attempt, Ran(Status.OK, 1.0, 0.0)))

        assert "Finished" in await unlucky.is_sent_away()
        again = await engine.hears(Run)
        engine.say(Finished(1, again.task, again.attempt, Ran(Status.OK, 1.0, 0.0), b"result"))
        assert (await client.hears(Result)).body == b"result"
        assert not controller.stop_reason

    play(story)


def test_damage_to_the_state_ends_the_controller_with_the_reason(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def damage(state: ControllerState) -> None:
        state.clients[Peer(99)] = next(iter(state.clients.values()))

    fail_on(monkeypatch, lambda event: isinstance(event, Delivered) and event.up_to == 7, damage)

    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        client = await Liar.join(files["client"], "client")

        client.say(Delivered(7))
        await controller.run_until_stopped()

        assert "damaged its state (MistakeError: seven)" in controller.stop_reason

    play(story)


def test_a_mistake_beside_the_core_costs_one_peer_its_connection(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        honest, unlucky = await Liar.join(files["client"], "client"), await Liar.join(files["client"], "client")
        engine = await Liar.join(files["engine"], "engine")

        def fail(*_: object, **__: object) -> str:
            raise MistakeError

        monkeypatch.setattr(controller.signals, "send", fail)
        unlucky.say(Signal(engines=(0,), signum=2))

        assert "failed on a message of this client (Signal)" in await unlucky.is_sent_away()
        await a_task_is_done(honest, engine)

    play(story)


def test_what_is_out_of_range_is_told_to_whoever_said_it(
    play: Callable[[Story], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        honest, engine = await Liar.join(files["client"], "client"), await Liar.join(files["engine"], "engine")
        for _ in range(20):
            liar = await Liar.join(files["client"], "client")
            liar.say_raw(["delivered", -1])
            assert await liar.is_sent_away() == (
                "the other side sent invalid data: Delivered.up_to: Expected `int` >= 0"
            )
            liar = await Liar.join(files["client"], "client")
            liar.say_raw(["bye", b"\xff\xfe".decode("latin-1")], ["delivered", 1])
            liar.say_record(b"\x91\x92\xa3bye\xa2\xff\xfe")
            assert "can't decode byte" in await liar.is_sent_away()
        await a_task_is_done(honest, engine)

    play(story)
    told = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) <= 2  # one now and then
    assert not any(record.exc_info for record in told)


_DAMAGED = """
import asyncio, sys
from engineroom.controller import app, shell
from engineroom.controller.config import ControllerConfig
from engineroom.core.events import Tick

def damaged(state, peer, event, **more):
    state.clients[99] = None
    raise RuntimeError("eleven")

shell.handle = damaged
ready = lambda controller: asyncio.get_running_loop().call_soon(controller.feed, 0, Tick())
sys.exit(app.run_controller(ControllerConfig(security_dir=sys.argv[1]), on_ready=ready))
"""


def test_the_process_ends_with_the_reason_on_stderr(tmp_path: Path) -> None:
    security = tmp_path / "security"
    security.mkdir(mode=0o700)

    ended = subprocess.run(
        [sys.executable, "-c", _DAMAGED, str(security)], capture_output=True, text=True, timeout=SECONDS, check=False
    )

    assert ended.returncode == EXIT_CODE
    assert "a mistake in the controller has damaged its state (RuntimeError: eleven)" in ended.stderr
