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
}


def _member(rc: Client) -> None:
    error = rc[:].apply_async(int, "x").exception()
    assert isinstance(error, er.CompositeError)
    error.raise_exception(1)


async def _await(rc: Client) -> Any:
    return await rc[0].apply_async(int, "x")


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


def test_errors_that_may_be_faults_of_ours_keep_all_frames(rc: Client) -> None:
    with pytest.raises(TypeError) as caught:
        rc[0].push(3)  # type: ignore[arg-type]
    assert _ours(caught.value) != []


def _ours(error: BaseException) -> list[str]:
    lines = traceback.format_exception(error)
    return [line for line in lines if "/engineroom/" in line and "File" in line]
