"""The line between an owner and its remote host: lines, ends, cuts, and the way back."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engineroom.cluster.line.messages import Answered, Notice
from engineroom.cluster.records.leftovers import is_dead
from engineroom.cluster.ssh.far.door import Door, door_path
from engineroom.cluster.ssh.far.line import DescriptorLine
from engineroom.cluster.ssh.far.log_feed import LogFeed
from engineroom.cluster.ssh.far.owner import Owner
from engineroom.cluster.ssh.messages import (
    Fetch,
    Hello,
    LogText,
    RemoteReport,
    RemoteRequest,
    Resumed,
    greeting,
    line,
    read_greeting,
    read_remote_report,
)
from engineroom.cluster.ssh.near.logs import LogCopy
from engineroom.machine.pulse import Pulse
from tests.patience import SECONDS, comes_true


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(story(), SECONDS)

    asyncio.run(limited())


class Heard:
    """What came over a line."""

    def __init__(self) -> None:
        self.pulse, self.lines, self.ends = Pulse(), list[bytes](), list[bool]()

    def line(self, said: bytes) -> None:
        self.lines.append(said)
        self.pulse.beat()

    def end(self, cut: bool) -> None:
        self.ends.append(cut)
        self.pulse.beat()

    async def until(self, condition: Callable[[], Any]) -> None:
        await self.pulse.until(lambda: bool(condition()))


def by_pipes() -> tuple[tuple[int, int], tuple[int, int]]:
    (read, far_write), (far_read, write) = os.pipe(), os.pipe()
    return (read, write), (far_read, far_write)


def by_socket() -> tuple[tuple[int, int], tuple[int, int]]:
    """One socket that serves as both, as sshd has it."""
    near, far = socket.socketpair()
    ends = near.detach(), far.detach()
    return (ends[0], os.dup(ends[0])), (ends[1], os.dup(ends[1]))


def opened(name: str) -> Door:
    door = Door(name)
    door.open()
    return door


ways = pytest.mark.parametrize("make", [by_pipes, by_socket])


@ways
def test_lines_go_both_ways_and_what_was_heard_comes_first(make: Any) -> None:
    async def story() -> None:
        near, far = make()
        heard, there = Heard(), Heard()
        one = DescriptorLine(*near, on_line=heard.line, on_end=heard.end, heard=b"first\nsec")
        two = DescriptorLine(*far, on_line=there.line, on_end=there.end)
        two.tell(b"ond\nthird\n")
        one.tell(b"x" * 1_000_000 + b"\n")
        await heard.until(lambda: len(heard.lines) == 3)
        await there.until(lambda: there.lines)
        assert heard.lines == [b"first", b"second", b"third"]
        assert len(there.lines[0]) == 1_000_000
        one.close()
        two.close()

    run(story)


@ways
def test_an_owner_that_is_gone_is_told_from_a_connection_that_is(make: Any) -> None:
    async def story() -> None:
        for cut in (False, True):
            near, far = make()
            heard = Heard()
            one = DescriptorLine(*near, on_line=heard.line, on_end=heard.end)
            if make is by_socket and not cut:
                with socket.socket(fileno=os.dup(far[0])) as end:
                    end.shutdown(socket.SHUT_WR)
            os.close(far[1])
            if cut:
                os.close(far[0])
            await heard.until(lambda heard=heard: heard.ends)
            assert heard.ends == [cut]
            if not cut:
                one.tell(b"last words\n")
                await one.flush(1)
                assert os.read(far[0], 100) == b"last words\n"
                os.close(far[0])
            one.close()

    run(story)


def test_a_greeting_is_found_after_whatever_a_shell_says() -> None:
    hello = Hello("1.0", "3.11", "node1", 4711)
    said = b"Welcome!" + greeting(hello)
    assert [read_greeting(each) for each in said.split(b"\n")] == [None, hello, None]


def test_an_owner_that_was_cut_off_comes_back_and_hears_what_it_missed() -> None:
    asked: list[RemoteRequest] = []

    async def answer(request: RemoteRequest) -> str:
        asked.append(request)
        return "done"

    async def story() -> None:
        returns: list[str] = []
        near, far = by_pipes()
        heard = Heard()
        owner = Owner(
            opened("d" * 16),
            lease=60,
            answer=answer,
            on_return=lambda: returns.append("back"),
            on_gone=lambda words, *, cut: returns.append(words),
        )
        owner.begin(*near, line(Fetch(number=1, path="x")))
        first = DescriptorLine(*far, on_line=heard.line, on_end=heard.end)
        await heard.until(lambda: heard.lines)
        first.close()
        await comes_true(lambda: not owner.here)
        owner.tell(Notice("missed"))
        door = socket.socket(socket.AF_UNIX)
        door.connect(str(door_path("d" * 16)))
        end = door.detach()
        again = DescriptorLine(end, end, on_line=heard.line, on_end=heard.end)
        again.tell(line(Fetch(number=1, path="x")))  # the answer may have been lost
        await heard.until(lambda: len(heard.lines) == 4)
        assert [read_remote_report(each) for each in heard.lines] == [
            Answered(1, "done"),
            Resumed(),
            Notice("missed"),
            Answered(1, "done"),
        ]
        assert (len(asked), returns) == (1, ["back"])
        await owner.close()
        again.close()
        assert not door_path("d" * 16).exists()

    run(story)


def test_who_only_looks_whether_a_host_is_there_is_not_taken_for_its_owner() -> None:
    """As the start of another cluster on the same machine does, or `ipcluster clean`."""

    async def story() -> None:
        near, far = by_pipes()
        heard, gone = Heard(), Heard()

        async def answer(_: RemoteRequest) -> str:
            return "done"

        owner = Owner(
            opened("f" * 16),
            lease=60,
            answer=answer,
            on_return=lambda: gone.line(b"back"),
            on_gone=lambda words, *, cut: gone.line(words.encode()),
        )
        owner.begin(*near, b"")
        first = DescriptorLine(*far, on_line=heard.line, on_end=heard.end)
        assert not await asyncio.to_thread(is_dead, door_path("f" * 16))
        first.tell(line(Fetch(number=1, path="x")))
        await heard.until(lambda: heard.lines or heard.ends)
        assert ([read_remote_report(each) for each in heard.lines], gone.lines) == ([Answered(1, "done")], [])
        await owner.close()
        first.close()

    run(story)


def test_the_door_of_a_host_that_was_killed_goes_when_another_one_opens() -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(door_path("b" * 16)))
    doors = [opened("c" * 16), opened("d" * 16)]
    assert [door_path(name * 16).exists() for name in "bcd"] == [False, True, True]
    for door in doors:
        door.close()


def test_an_owner_that_does_not_come_back_is_given_up() -> None:
    async def story() -> None:
        near, far = by_pipes()
        gone = Heard()

        async def nothing(_: RemoteRequest) -> None: ...

        def on_gone(words: str, *, cut: bool) -> None:
            gone.line(words.encode())
            gone.end(cut)

        owner = Owner(opened("e" * 16), lease=0.1, answer=nothing, on_return=lambda: None, on_gone=on_gone)
        owner.begin(*near, b"")
        for end in far:
            os.close(end)
        await gone.until(lambda: gone.ends)
        assert (b"did not come back within 0.1 s" in gone.lines[0], gone.ends) == (True, [True])
        await owner.close()

    run(story)


def test_logs_are_fed_as_they_grow_and_begin_anew_with_a_new_file(tmp_path: Path) -> None:
    said: list[RemoteReport] = []
    feed, source, copy = LogFeed(said.append), tmp_path / "there.log", tmp_path / "here.log"
    feed.look(3, source)
    assert said == []
    source.write_text("one\n")
    feed.look(3, source)
    feed.look(3, source)
    with source.open("a") as file:
        file.write("two\n")
    feed.look(3, source)
    assert said == [LogText(3, "one\n", anew=True), LogText(3, "two\n")]
    for each in said:
        LogCopy(copy).take(each)
    assert copy.read_text() == "one\ntwo\n"
    source.rename(tmp_path / "there.log.1")
    source.write_text("three\n")
    feed.look(3, source)
    LogCopy(copy).take(said[-1])
    assert copy.read_text() == "three\n"
    assert (tmp_path / "here.log.1").read_text() == "one\ntwo\n"


def test_of_a_flood_the_middle_is_left_out(tmp_path: Path) -> None:
    said: list[LogText] = []
    source = tmp_path / "there.log"
    source.write_text("a" * 600_000 + "z")
    LogFeed(said.append).look(0, source)
    assert len(said[0].text) < 300_000
    assert "bytes left out here" in said[0].text
    assert said[0].text.endswith("z")


def test_an_owner_that_says_nothing_any_more_is_given_up() -> None:
    """As when its machine is switched off: nothing ends the connection."""

    async def story() -> None:
        near, far = by_pipes()
        gone = Heard()

        async def nothing(_: RemoteRequest) -> None: ...

        owner = Owner(
            opened("f" * 16),
            lease=0.1,
            answer=nothing,
            on_return=lambda: None,
            on_gone=lambda words, *, cut: gone.end(cut),
            silent=0.3,
        )
        owner.begin(*near, b"")
        await gone.until(lambda: gone.ends)
        assert gone.ends == [True]
        await owner.close()
        for end in far:
            os.close(end)

    run(story)
