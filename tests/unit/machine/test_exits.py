"""Waiting for the end of a process, child or not, and what its exit code says."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable

import pytest

from engineroom.machine import exits
from tests.patience import SECONDS


@pytest.fixture(params=["by pidfd", "by looking"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both kinds of systems: with pidfds and without."""
    if request.param == "by looking":
        monkeypatch.delattr(os, "pidfd_open")
    return str(request.param)


def a_process() -> subprocess.Popen[bytes]:
    """Return one that ends with its stdin, with exit code 3."""
    return subprocess.Popen(["/bin/sh", "-c", "read line; exit 3"], stdin=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> Callable[[], bool]:
    return lambda: process.poll() is not None


def test_a_child_is_waited_for(way: str) -> None:
    async def story() -> None:
        with a_process() as process:
            waiting = asyncio.ensure_future(exits.exit_of_child(process))
            await asyncio.sleep(0)
            assert not waiting.done()
            process.communicate(b"")
            await asyncio.wait_for(waiting, SECONDS)
            await exits.exit_of_child(process)  # that it has ended already is no harm
            assert process.returncode == 3

    asyncio.run(story())


def test_whether_one_ends_in_time_is_told(way: str) -> None:
    async def story() -> None:
        with a_process() as process:
            assert not await exits.exit_of(process.pid, ended(process), 0.01)
            assert process.stdin is not None
            process.stdin.close()
            assert await exits.exit_of(process.pid, ended(process), SECONDS)

    asyncio.run(story())


def test_the_end_calls_once_if_it_can_be_seen(way: str) -> None:
    async def story() -> None:
        calls = asyncio.Queue[str]()
        with a_process() as process:
            with exits.calling_at_exit(process.pid, lambda: calls.put_nowait("end")) as seen:
                assert seen is (way == "by pidfd")
                process.communicate(b"")
                if seen:
                    await asyncio.wait_for(calls.get(), SECONDS)
            assert calls.empty()
        with exits.calling_at_exit(0, lambda: None) as seen:
            assert not seen

    asyncio.run(story())


def test_it_can_be_waited_for_without_a_loop() -> None:
    with a_process() as process:
        assert not exits.ends_within(0.01, process.pid)
        assert process.stdin is not None
        process.stdin.close()
        assert exits.ends_within(SECONDS, process.pid)
    assert not exits.ends_within(0.01, process.pid)


@pytest.mark.parametrize(
    ("code", "evidence", "words"),
    [
        (0, "", "exit code 0"),
        (3, "out of memory", "exit code 3"),
        (-9, "", "killed by SIGKILL"),
        (-9, "out of memory", "killed by SIGKILL (out of memory)"),
        (-40, "", "killed by signal 40"),
    ],
)
def test_an_exit_code_in_words(code: int, evidence: str, words: str) -> None:
    assert exits.cause_of(code, evidence) == words
