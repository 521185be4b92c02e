"""An error that a call of ours raises shows the caller's frames alone."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import engineroom as er
from engineroom.client.client import Client
from tests.unit.client.fake_controller import FakeController

CALLS: dict[str, Callable[[Client], Any]] = {
    "apply_sync": lambda rc: rc[0].apply_sync(int, "x"),
    "apply_sync, several": lambda rc: rc[:].apply_sync(int, "x"),
    "apply_async": lambda rc: rc[0].apply_async(int, "x").get(),
    "apply_async, with progress": lambda rc: rc[0].apply_async(int, "x").get(progress=False),
    "imap, with progress": lambda rc: list(rc.load_balanced_view().imap(int, "xy", progress=False)),
    "result": lambda rc: rc[0].apply_async(int, "x").result(),
    "r": lambda rc: rc[:].apply_async(int, "x").r,
    "item": lambda rc: rc[:].apply_async(int, "x")[0],
    "iterating": lambda rc: list(rc[:].apply_async(int, "x")),
    "get_dict": lambda rc: rc[:].apply_async(int, "x").get_dict(),
    "map": lambda rc: rc.load_balanced_view().map_sync(int, "xy"),
    "iterating a map": lambda rc: list(rc.load_balanced_view().map_async(int, "xy")),
    "direct map": lambda rc: rc[:].map(int, "xy", block=True),
    "imap": lambda rc: list(rc.load_balanced_view().imap(int, "xy")),
    "executor": lambda rc: rc[:].executor.submit(int, "x").result(),
    "executor's map": lambda rc: list(rc[:].executor.map(int, "xy")),
    "remote function": lambda rc: rc[:].remote(block=True)(lambda: 1 / 0)(),
    "parallel function": lambda rc: rc[:].parallel(block=True)(lambda part: 1 / 0)("xy"),
    "packing": lambda rc: rc[0].apply_async(int, (n for n in ())),
    "raise_exception": lambda rc: _member(rc),
    "awaiting": lambda rc: asyncio.run(_await(rc)),
    "async for": lambda rc: asyncio.run(_iterate(rc[:].apply_async(int, "x"))),
    "async for over a map": lambda rc: asyncio.run(_iterate(rc.load_balanced_view().map_async(int, "xy"))),
    "async for over imap": lambda rc: asyncio.run(_iterate(rc.load_balanced_view().imap(int, "xy"))),
    "async for over an executor's map": lambda rc: asyncio.run(_iterate(rc.executor.map(int, "xy"))),
    "a result by id": lambda rc: rc.results[_ended(rc)],
    "the first error": lambda rc: rc[:].apply_async(int, "x").get(return_when="FIRST_EXCEPTION"),
}


def _member(rc: Client) -> None:
    error = rc[:].apply_async(int, "x").exception()
    assert isinstance(error, er.CompositeError)
    error.raise_exception(1)


async def _await(rc: Client) -> Any:
    return await rc[0].apply_async(int, "x")


async def _iterate(results: Any) -> None:
    async for _ in results:
        pass


def _ended(rc: Client) -> str:
    result = rc[0].apply_async(int, "x")
    result.wait()
    return result.msg_ids[0]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_frame_of_ours_is_shown(rc: Client, call: Callable[[Client], Any]) -> None:
    with pytest.raises(er.EngineroomError) as caught:
        call(rc)
    assert _ours(caught.value) == []


def test_all_frames_are_shown_on_demand(rc: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEROOM_DEBUG", "1")
    with pytest.raises(er.RemoteError) as caught:
        rc[0].apply_sync(int, "x")
    assert _ours(caught.value) != []


def test_neither_are_frames_shown_of_a_wait_that_took_too_long(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    with pytest.raises(TimeoutError) as caught:
        rc[0].apply_async(int, "3").get(0.01)
    fake.answer()
    assert _ours(caught.value) == []


MISTAKES: dict[str, tuple[Callable[[Client], Any], str]] = {
    "engine": (lambda rc: rc[5], "there is no engine 5; the engines are 0-1"),
    "engines": (lambda rc: rc[[0, 9]], "there is no engine 9"),
    "balanced": (lambda rc: rc.load_balanced_view([7]), "there is no engine 7"),
    "executor's engines": (lambda rc: rc.executor(7), "there is no engine 7"),
    "retries": (lambda rc: rc.load_balanced_view(retries=[2]), "retries must be a whole number, not [2]"),
    "retries as text": (lambda rc: setattr(rc.load_balanced_view(), "retries", "2"), "a whole number, not '2'"),
    "on_error": (lambda rc: rc[:].map_sync(abs, [1], on_error="stopp"), "on_error must be 'continue' or 'stop'"),  # type: ignore[arg-type]
    "chunksize": (lambda rc: rc.load_balanced_view().map_sync(abs, [1], chunksize="big"), "whole number, not 'big'"),
    "no items": (lambda rc: rc[0].map_sync(abs), "at least one sequence"),
    "items": (lambda rc: rc.executor.map(abs, 3), "needs iterables of items, but got an int"),
    "names": (lambda rc: rc[0].push(3), "push() takes a dict of names and values, not int"),  # type: ignore[arg-type]
    "a name": (lambda rc: rc[0].push({3: 4}), "a variable's name must be a str, not 3"),  # type: ignore[dict-item]
    "a name to pull": (lambda rc: rc[0][3], "expected a variable's name or a list of names, got 3"),  # type: ignore[index]
    "names to pull": (lambda rc: rc[:].pull(["a", 3]), "a variable's name must be a str, not 3"),  # type: ignore[list-item]
    "a name to scatter": (lambda rc: rc[:].scatter(3, [1]), "a variable's name must be a str, not 3"),  # type: ignore[arg-type]
    "a name to gather": (lambda rc: rc[:].gather(None), "a variable's name must be a str, not None"),  # type: ignore[arg-type]
    "rows": (lambda rc: rc[:].scatter("a", 5), "int has no rows to scatter"),
    "dist": (lambda rc: rc[:].scatter("a", [1], dist="x"), "dist must be 'b' (blocks) or 'r' (round robin), not 'x'"),
    "code": (lambda rc: rc[:].execute(3), "execute() takes code as a str, not int"),  # type: ignore[arg-type]
    "signal": (lambda rc: rc.send_signal(999), "999 is not a signal"),
    "job": (lambda rc: rc.abort("nosuch"), "'nosuch' is not a message id"),
    "view's job": (lambda rc: rc[0].wait("nosuch"), "'nosuch' is not a message id"),
    "result": (lambda rc: rc.get_result(10**6), "there is no task 1000000"),
    "status": (lambda rc: rc.queue_status(9), "there is no engine 9"),
    "shutdown": (lambda rc: rc.shutdown(9), "there is no engine 9"),
    "part": (lambda rc: rc[:].apply_async(abs, 1)[9], "there is no result 9: this call has 2"),
    "time": (lambda rc: rc.wait(timeout="a"), "timeout must be a number of seconds or None, not 'a'"),  # type: ignore[arg-type]
    "time of a result": (lambda rc: rc[0].apply_async(abs, 1).wait("soon"), "seconds or None, not 'soon'"),  # type: ignore[call-overload]
    "number of engines": (lambda rc: rc.wait_for_engines("two"), "n must be a whole number, not 'two'"),  # type: ignore[call-overload]
    "option of a client": (lambda rc: er.Client(timeot=3), "no option timeot: did you mean timeout?"),  # type: ignore[call-arg]
    "connection": (lambda rc: er.Client(3), "connection_info must be a path or a dict, not 3"),  # type: ignore[arg-type]
    "nothing to connect to": (lambda rc: er.Cluster(n=1).connect_client_sync(), "the cluster is not running: start it"),
    "option of a cluster": (lambda rc: er.Cluster(n=-1), "Cluster.n must be at least 0, not -1"),
}


@pytest.mark.parametrize(("call", "words"), MISTAKES.values(), ids=MISTAKES)
def test_what_is_wrong_with_a_call_is_said_without_frames_of_ours(
    rc: Client, call: Callable[[Client], Any], words: str
) -> None:
    with pytest.raises((TypeError, ValueError, LookupError, er.EngineroomError)) as caught:
        call(rc)
    assert words in str(caught.value)
    assert _ours(caught.value) == []


def test_errors_that_may_be_faults_of_ours_keep_all_frames(rc: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engineroom.client.views.direct.pack_names", None)
    with pytest.raises(TypeError, match="not callable") as caught:
        rc[0].push({"a": 1})
    assert _ours(caught.value) != []


def _ours(error: BaseException) -> list[str]:
    lines = traceback.format_exception(error)
    return [line for line in lines if "/engineroom/" in line and "File" in line]
