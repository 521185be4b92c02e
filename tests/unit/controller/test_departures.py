"""A closed connection is a dead engine, unless there is reason to think otherwise."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from engineroom.controller import departures, sight
from engineroom.controller.config import ControllerConfig
from engineroom.controller.departures import Departures
from engineroom.controller.links import Link, Links
from engineroom.ids import Instance, Peer, new_instance
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import EngineInfo
from engineroom.protocol.processes import boot_id, host_name
from tests.patience import SECONDS

NOBODY = 2**22 + 1
"""No process has this pid: it is over the kernel's limit."""

HERE = EngineInfo(pid=NOBODY, host=host_name(), boot_id=boot_id())
ELSEWHERE = EngineInfo(pid=1, host="far", boot_id="b")


class Shell:
    def __init__(self) -> None:
        self.config = ControllerConfig(security_dir="", reattach_grace=0.02, reconnect_timeout=0.02)
        self.links = Links()
        self.told: list[tuple[str, str]] = []
        self.lost: list[Link] = []
        self.changed = asyncio.Event()

    def engine_away(self, link: Link) -> None:
        self.told.append(("away", ""))

    def engine_lost(self, link: Link, cause: str) -> None:
        self.told.append(("lost", cause))
        self.lost.append(link)
        self.changed.set()

    async def until_lost(self) -> list[tuple[str, str]]:
        await asyncio.wait_for(self.changed.wait(), SECONDS)
        return self.told


def link(info: EngineInfo, *, pid: int | None = None, host: bytes = b"", dismissed: str = "") -> Link:
    connection: Any = SimpleNamespace(peer_pid=pid)
    return Link(Peer(1), "engine", connection, new_instance(), info=info, host=host, dismissed=dismissed)


def play(story: Callable[[Shell, Departures], Awaitable[None]]) -> None:
    async def run() -> None:
        shell = Shell()
        await story(shell, Departures(shell))

    asyncio.run(run())


def test_the_hosts_word_ends_the_wait_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "HOST_SECONDS", 60)

    async def story(shell: Shell, gone: Departures) -> None:
        engine = link(HERE, host=b"host")
        gone.closed(engine, Closing(Why.CLOSED, "closed"))
        assert shell.told == []
        gone.exited(Instance(engine.identity), "killed by SIGKILL")
        assert shell.told == [("lost", "killed by SIGKILL")]

    play(story)


@pytest.mark.parametrize("first", ["engine", "host"])
def test_a_host_that_was_cut_off_is_not_waited_for(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "HOST_SECONDS", 60)

    async def story(shell: Shell, gone: Departures) -> None:
        engine = link(HERE, host=b"host")
        if first == "host":
            shell.links.hosts_cut_off.add(b"host")
            gone.host_cut_off(b"host")
        gone.closed(engine, Closing(Why.CLOSED, "closed"))
        gone.host_cut_off(b"another")
        if first == "engine":
            gone.host_cut_off(b"host")
        ((what, cause),) = await shell.until_lost()
        assert (what, f"pid {NOBODY}" in cause) == ("lost", True)

    play(story)


def test_the_hosts_word_may_come_first() -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        engine = link(HERE)
        gone.exited(Instance(engine.identity), "exit code 3")
        gone.closed(engine, Closing(Why.CLOSED, "closed"))
        assert shell.told == [("lost", "exit code 3")]

    play(story)


@pytest.mark.parametrize("first", ["engine", "host"])
def test_a_host_that_says_goodbye_takes_its_engines_along_whichever_is_heard_first(first: str) -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        shell.config = ControllerConfig(security_dir="", reconnect_timeout=60)
        engine = link(ELSEWHERE, host=b"host")
        if first == "host":
            shell.links.hosts_that_left.add(b"host")
            gone.host_left(b"host")
        gone.closed(engine, Closing(Why.CLOSED, "closed"))
        if first == "engine":
            gone.host_left(b"another")
            assert shell.told == [("away", "")]
            gone.host_left(b"host")
        assert shell.told[-1] == ("lost", "its ipcluster has ended")
        gone.close()

    play(story)


def test_a_host_that_has_said_goodbye_is_not_waited_for_either() -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        shell.links.hosts_that_left.add(b"host")
        gone.closed(link(HERE, host=b"host"), Closing(Why.CLOSED, "closed"))
        assert shell.told == [("lost", "its ipcluster has ended")]

    play(story)


def test_an_engine_that_came_through_a_tunnel_has_longer_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "TUNNEL_FACTOR", 10_000)

    async def story(shell: Shell, gone: Departures) -> None:
        by_tunnel, another = link(ELSEWHERE), link(ELSEWHERE)
        by_tunnel.tunnel = "node1"
        for engine in (by_tunnel, another):
            gone.closed(engine, Closing(Why.CLOSED, "closed"))
        assert await shell.until_lost() == [("away", ""), ("away", ""), ("lost", "connection lost: closed")]
        assert shell.lost == [another]
        gone.close()

    play(story)


def test_without_a_host_a_dead_process_here_is_lost_after_a_moment() -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        gone.closed(link(HERE), Closing(Why.CLOSED, "closed"))
        ((what, cause),) = await shell.until_lost()
        assert what == "lost"
        assert f"pid {NOBODY}" in cause

    play(story)


def test_a_goodbye_is_believed() -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        gone.closed(link(ELSEWHERE), Closing(Why.GOODBYE, "shut down"))
        assert shell.told == [("lost", "shut down")]

    play(story)


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (link(HERE, pid=os.getpid()), Closing(Why.CLOSED, "closed")),
        (link(msgspec.structs.replace(HERE, pid=os.getpid())), Closing(Why.CLOSED, "closed")),
        (link(ELSEWHERE), Closing(Why.SILENT, "timed out")),
        (link(ELSEWHERE), Closing(Why.CLOSED, "closed")),
    ],
)
def test_an_engine_that_may_live_is_away_first(engine: Link, reason: Closing) -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        gone.closed(engine, reason)
        assert shell.told == [("away", "")]
        told = await shell.until_lost()
        assert told[1:] == [("lost", f"connection lost: {reason.words}")]

    play(story)


@pytest.mark.parametrize("engine", [link(ELSEWHERE, host=b"h"), link(HERE, pid=os.getpid())])
def test_an_engine_of_which_a_death_would_be_known_may_be_cut_off_for_long(engine: Link) -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        shell.config = ControllerConfig(security_dir="", reattach_grace=0, reconnect_timeout=60)
        gone.closed(engine, Closing(Why.RESET, "reset by peer"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(shell.changed.wait(), 2 * departures.CAUSE_SECONDS)
        gone.exited(Instance(engine.identity), "exit code 3")
        assert shell.told == [("away", ""), ("lost", "exit code 3")]

    play(story)


def test_a_host_that_has_said_goodbye_takes_its_engines_along() -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        shell.links.hosts_that_left.add(b"h")
        gone.closed(link(ELSEWHERE, host=b"h"), Closing(Why.RESET, "reset by peer"))
        assert shell.told == [("lost", "its ipcluster has ended")]

    play(story)


def test_a_process_that_was_about_to_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter(["then", None])
    monkeypatch.setattr(sight, "start_time", lambda _pid: next(seen))

    async def story(shell: Shell, gone: Departures) -> None:
        shell.config = ControllerConfig(security_dir="", reconnect_timeout=60)
        gone.closed(link(HERE, pid=5), Closing(Why.CLOSED, "closed"))
        told = await shell.until_lost()
        assert told == [("away", ""), ("lost", f"its process ended (pid {NOBODY} on {host_name()})")]

    play(story)


def test_the_host_of_a_process_that_was_about_to_end_says_how_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "HOST_SECONDS", 60)
    seen, looked = iter(["then", None]), asyncio.Event()

    def start_time(pid: int) -> str | None:
        if (found := next(seen)) is None:
            looked.set()
        return found

    monkeypatch.setattr(sight, "start_time", start_time)

    async def story(shell: Shell, gone: Departures) -> None:
        shell.config = ControllerConfig(security_dir="", reconnect_timeout=60)
        engine = link(HERE, pid=5, host=b"host")
        gone.closed(engine, Closing(Why.CLOSED, "closed"))
        await asyncio.wait_for(looked.wait(), SECONDS)
        gone.exited(Instance(engine.identity), "killed by SIGSEGV")
        assert shell.told == [("away", ""), ("lost", "killed by SIGSEGV")]

    play(story)


def test_who_was_about_to_end_is_lost_before_those_that_it_took_along(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = link(HERE, pid=5), link(HERE, pid=6)
    looks = {5: iter(["then", "then", None]), 6: iter([None])}
    monkeypatch.setattr(sight, "start_time", lambda pid: next(looks[pid]))

    async def story(shell: Shell, gone: Departures) -> None:
        shell.config = ControllerConfig(security_dir="", reconnect_timeout=60)
        gone.closed(first, Closing(Why.CLOSED, "closed"))
        gone.closed(second, Closing(Why.CLOSED, "closed"))
        await shell.until_lost()
        assert shell.lost == [first, second]

    play(story)


def test_a_host_that_says_goodbye_takes_all_its_engines_along_also_those_seen_a_moment_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = iter(["then", "then"])
    monkeypatch.setattr(sight, "start_time", lambda _: next(looks, None))

    async def story(shell: Shell, gone: Departures) -> None:
        shell.config = ControllerConfig(security_dir="", reconnect_timeout=60)
        engines = [link(HERE, pid=5, host=b"host"), link(HERE, pid=6, host=b"host")]
        for engine in engines:
            gone.closed(engine, Closing(Why.CLOSED, "closed"))
        gone.host_left(b"host")
        assert shell.lost == engines

    play(story)


def test_an_engine_that_comes_back_is_not_lost() -> None:
    async def story(shell: Shell, gone: Departures) -> None:
        engine = link(ELSEWHERE)
        gone.closed(engine, Closing(Why.CLOSED, "closed"))
        gone.returned(Instance(engine.identity))
        gone.exited(new_instance(), "another one")
        await asyncio.wait_for(asyncio.shield(asyncio.sleep(0)), SECONDS)
        assert shell.told == [("away", "")]
        gone.close()

    play(story)
