"""Maps on real engines: items that misbehave, and maps that are given up."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engineroom as er
from engineroom import Client
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.held_tasks import Mark, wait_for_file


def kinds(results: list[Any]) -> list[Any]:
    """Return the results, with the names of errors in place of errors."""
    return [f"!{getattr(it, 'ename', type(it).__name__)}" if isinstance(it, Exception) else it for it in results]


def test_items_that_misbehave_are_errors_of_their_own(rc: Client) -> None:
    async def later(number: int) -> int:
        return 10 // number

    ways: list[Callable[[], Any]] = [
        lambda: next(iter(())),
        lambda: sys.exit(3),
        threading.Lock,
        lambda: later(0),
        lambda: later(5),
        lambda: (item for item in ()),
        lambda: raising(GeneratorExit),
        lambda: 7,
        lambda: 8,
    ]

    def misbehave(number: int) -> Any:
        return ways[number]()

    expected = ["!StopIteration", "!SystemExit", "!PackError", "!ZeroDivisionError", 2, "!PackError", "!GeneratorExit"]
    for view in (rc[0], rc[:], rc.load_balanced_view()):
        found = view.map_sync(misbehave, range(9), return_exceptions=True)
        assert kinds(found) == [*expected, 7, 8]
        assert [error.item for error in found if isinstance(error, er.RemoteError)] == [
            (number, str(number)) for number in (0, 1, 2, 3, 5, 6)
        ]


def raising(error: type[BaseException]) -> None:
    raise error


def test_an_item_that_forks_and_exits_runs_no_item_twice(rc: Client) -> None:
    def fork(number: int) -> int:
        child = os.fork()
        if not child:
            sys.exit(number)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert rc[0].map_sync(fork, range(4)) == [0, 1, 2, 3]


def test_a_signal_from_outside_ends_a_chunk_and_keeps_what_is_there(rc: Client) -> None:
    def interrupt(number: int) -> int:
        if number == 2:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(60)
        return number

    found = kinds(rc[0].map_sync(interrupt, range(4), return_exceptions=True))
    assert found == [0, 1, "!KeyboardInterrupt", "!TaskAborted"]


def test_the_first_error_ends_a_map_that_is_to_stop(rc: Client, mark: Mark) -> None:
    def wait_or_fail(number: int, path: str) -> float:
        if number:
            wait_for_file(path)
        return 1 / number

    view = rc.load_balanced_view()
    with pytest.raises(ZeroDivisionError) as caught:
        view.map_sync(wait_or_fail, [1, 0, *range(1, 50)], itertools.repeat(str(mark)), chunksize=1, on_error="stop")
    assert [error.item[0] for error in caught.value.exceptions] == [1]  # type: ignore[attr-defined]
    assert view.wait(timeout=SECONDS)  # what ran was interrupted: the mark was never set
    assert rc[:].apply_sync(abs, -1) == [1, 1]


def test_a_function_that_catches_the_interrupt_delays_it_by_one_item(rc: Client, mark: Mark, tmp_path: Path) -> None:
    def careless(number: int, path: str, place: str) -> int:
        Path(place, str(number)).touch()
        try:
            wait_for_file(path)
        except:  # noqa: E722 (as careless people write it)
            return -1
        return number

    result = rc[0].map_async(careless, range(9), itertools.repeat(str(mark)), itertools.repeat(str(tmp_path)))
    until(lambda: Path(tmp_path, "0").exists())
    result.abort()
    assert result.wait(SECONDS)
    assert kinds(result.get(return_exceptions=True)) == [-1, "!KeyboardInterrupt", *["!TaskAborted"] * 7]
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


@pytest.mark.parametrize("way", ["cancel", "abort"])
def test_a_map_that_runs_is_given_up(rc: Client, mark: Mark, way: str) -> None:
    view = rc.load_balanced_view()
    result = view.map_async(wait_for_file, [str(mark)] * 20, chunksize=2)
    until(result.running)
    assert getattr(result, way)() in {False, None}  # as a future that runs
    assert result.wait(SECONDS)
    names = kinds(result.get(return_exceptions=True))
    assert set(names) == {"!KeyboardInterrupt", "!TaskAborted"}
    with pytest.raises((er.CompositeError, er.TaskAborted)):
        result.get()
    assert rc[:].apply_sync(abs, -1) == [1, 1]


def test_a_loop_that_is_left_withdraws_the_rest(rc: Client, mark: Mark) -> None:
    pool = rc.executor()
    for results in (
        lambda: pool.map(wait_or_number, range(500), itertools.repeat(str(mark)), chunksize=1),
        lambda: rc.load_balanced_view().imap(wait_or_number, itertools.count(), itertools.repeat(str(mark))),
    ):
        for number in results():
            assert number == 0
            break
        until(lambda: rc.queue_status()["unassigned"] == 0)
        mark.set()
        assert rc.wait(timeout=SECONDS)
        mark.clear()


def wait_or_number(number: int, path: str) -> int:
    if number:
        wait_for_file(path)
    return number
