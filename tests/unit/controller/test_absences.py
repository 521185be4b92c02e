"""A host whose connection is gone: how long its engines are still expected."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from engineroom.controller.absences import Absences
from engineroom.controller.config import ControllerConfig
from engineroom.controller.exits import Exits
from engineroom.controller.links import Link
from engineroom.core.events import EngineLost, HostGone
from engineroom.ids import Instance, Peer, task_id
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import EngineExited
from tests.patience import SECONDS

NOBODY = 2**22 + 1
HOST = b"h" * 16


class Connection:
    def __init__(self, pid: int | None) -> None:
        self.peer_pid = pid


def host(pid: int | None = None) -> Link:
    connection: Any = Connection(pid)
    return Link(Peer(5), "host", connection, HOST)


def play(story: Callable[[Absences, asyncio.Queue[HostGone]], Awaitable[None]], *, seconds: float = 60.0) -> None:
    async def run() -> None:
        told: asyncio.Queue[HostGone] = asyncio.Queue()
        config = ControllerConfig(security_dir="", reattach_grace=0.02, reconnect_timeout=seconds)
        absences = Absences(config, lambda _, event: told.put_nowait(event))
        try:
            await story(absences, told)
        finally:
            absences.close()

    asyncio.run(asyncio.wait_for(run(), SECONDS))


def test_one_that_said_goodbye_is_gone_at_once() -> None:
    async def story(absences: Absences, told: asyncio.Queue[HostGone]) -> None:
        absences.begin(host(os.getpid()), Closing(Why.GOODBYE, ""))
        assert told.get_nowait() == HostGone(HOST)

    play(story)


def test_one_whose_process_has_ended_is_gone_at_once() -> None:
    async def story(absences: Absences, told: asyncio.Queue[HostGone]) -> None:
        absences.begin(host(NOBODY), Closing(Why.RESET, "reset"))
        assert told.get_nowait() == HostGone(HOST)

    play(story)


def test_others_have_a_moment_to_come_back() -> None:
    async def story(absences: Absences, told: asyncio.Queue[HostGone]) -> None:
        absences.begin(host(), Closing(Why.CLOSED, "end of stream"))
        assert told.empty()
        assert await told.get() == HostGone(HOST)

    play(story)


def test_one_that_the_network_cut_off_is_waited_for_as_long_as_it_tries() -> None:
    async def story(absences: Absences, told: asyncio.Queue[HostGone]) -> None:
        absences.begin(host(), Closing(Why.SILENT, "timed out"))
        assert await told.get() == HostGone(HOST)

    play(story, seconds=0.02)


def test_one_that_is_back_is_not_gone() -> None:
    async def story(absences: Absences, told: asyncio.Queue[HostGone]) -> None:
        absences.begin(host(), Closing(Why.CLOSED, "end of stream"))
        absences.end(HOST)
        absences.begin(Link(Peer(6), "host", host().connection, b"other"), Closing(Why.CLOSED, "end of stream"))
        assert await told.get() == HostGone(b"other")
        assert told.empty()

    play(story)


def test_what_a_host_said_of_an_exit_goes_with_the_loss() -> None:
    exits, ran = Exits(), ((task_id(Instance(HOST), 1), 1),)  # type: ignore[arg-type]
    connection: Any = Connection(None)
    engine = Link(Peer(1), "engine", connection, b"e" * 16)
    exits.note(EngineExited(Instance(b"e" * 16), "exit code 3", own=True, running=ran))

    assert exits.loss(engine, "exit code 3") == EngineLost("exit code 3", own=True, running=ran)
    assert exits.loss(engine, "exit code 3") == EngineLost("exit code 3")


def test_an_engine_that_was_told_to_end_did_not_do_it_by_itself() -> None:
    exits = Exits()
    connection: Any = Connection(None)
    engine = Link(Peer(1), "engine", connection, b"e" * 16, dismissed="shut down by a client")
    exits.note(EngineExited(Instance(b"e" * 16), "exit code 0", own=True))

    assert exits.loss(engine, "exit code 0") == EngineLost("exit code 0")
