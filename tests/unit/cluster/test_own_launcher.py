"""A launcher of the user's own: called in her way, and its mistakes said in words."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from engineroom.cluster.launcher import Command, EngineLauncher, LaunchError, State, Status
from engineroom.cluster.launchers.own import OwnLauncher

COMMAND = Command(role="engine", name="x", argv=["ipengine"])


class Recorder(EngineLauncher):
    """Keeps what it is asked, and in which thread."""

    calls: list[tuple[Any, ...]] = []  # noqa: RUF012 (a test looks at it)

    def start(self, command: Command) -> dict[str, Any]:
        self.calls.append(("start", command, threading.current_thread() is threading.main_thread()))
        return {"pids": [7]}

    async def poll(self, handle: dict[str, Any]) -> Status:
        self.calls.append(("poll", handle, threading.current_thread() is threading.main_thread()))
        return Status(State.WAITING, "its turn")

    def signal(self, handle: dict[str, Any], signum: int) -> None:
        self.calls.append(("signal", handle, signum))

    def stop(self, handle: dict[str, Any]) -> None:
        raise KeyError("pids")


def test_plain_functions_run_in_threads_and_coroutines_in_the_loop() -> None:
    async def story() -> None:
        launcher = OwnLauncher(Recorder())
        handle = await launcher.start(COMMAND)
        assert await launcher.poll(handle) == Status(State.WAITING, "its turn")
        await launcher.signal(handle, 2)

    Recorder.calls.clear()
    asyncio.run(story())
    handle = {"pids": [7]}
    assert Recorder.calls == [("start", COMMAND, False), ("poll", handle, True), ("signal", handle, 2)]


def test_what_goes_wrong_is_said_in_words() -> None:
    with pytest.raises(LaunchError, match=r"Recorder\.stop failed: KeyError: 'pids'"):
        asyncio.run(OwnLauncher(Recorder()).stop({}))


@pytest.mark.parametrize("handle", [None, 7, {"process": object()}, ["pid"]])
def test_a_handle_must_be_a_dict_of_json_values(handle: object) -> None:
    wrong = type("Wrong", (Recorder,), {"start": lambda self, command: handle})
    with pytest.raises(LaunchError, match=r"Wrong\.start must return a dict of JSON values"):
        asyncio.run(OwnLauncher(wrong()).start(COMMAND))


def test_a_status_must_be_one() -> None:
    wrong = type("Wrong", (Recorder,), {"poll": lambda self, handle: "running"})
    with pytest.raises(LaunchError, match=r"Wrong\.poll must return a Status, not 'running'"):
        asyncio.run(OwnLauncher(wrong()).poll({}))


def test_its_own_words_are_left_as_they_are() -> None:
    def start(self: object, command: Command) -> None:
        raise LaunchError("no room")

    wrong = type("Wrong", (Recorder,), {"start": start})
    with pytest.raises(LaunchError, match=r"^no room$"):
        asyncio.run(OwnLauncher(wrong()).start(COMMAND))


def test_what_is_lacking_is_named() -> None:
    with pytest.raises(LaunchError, match="starts nothing by itself: it lacks start, poll, signal, stop"):
        OwnLauncher(EngineLauncher())
