"""The ways to wait for results: how far, how long, for which of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION
from typing import Any

import pytest

import engineroom as er
from engineroom.client.client import Client
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


def texts(rc: Client, *values: str) -> er.AsyncResult[Any]:
    """Return a map of `int` over `values`, an item in each task."""
    return rc.load_balanced_view().map_async(int, values, chunksize=1)


def joined(rc: Client, *values: str) -> er.AsyncResult[Any]:
    """Return results of `int` for `values`: the first ones in a list, the last one alone."""
    view = rc.load_balanced_view()
    *several, last = values
    return er.AsyncResult.join(view.map_async(int, several, chunksize=1), view.apply_async(int, last))


@pytest.mark.parametrize("make", [texts, joined])
@pytest.mark.parametrize("wait", ["wait", "wait_interactive"])
def test_for_the_first_the_first_error_or_all(
    rc: Client, fake: FakeController, make: Callable[..., er.AsyncResult[Any]], wait: str
) -> None:
    fake.holding = True
    result = make(rc, "1", "x", "3")
    assert wait_until(lambda: len(fake.held) == 3)
    ways = getattr(result, wait)
    assert [len(part) for part in ways(timeout=0.01, return_when=FIRST_COMPLETED)] == [0, 3]
    fake.answer()
    assert [len(part) for part in ways(timeout=SECONDS, return_when=FIRST_COMPLETED)] == [1, 2]
    assert [len(part) for part in ways(timeout=0.01, return_when=FIRST_EXCEPTION)] == [1, 2]
    fake.answer(2)
    assert [len(part) for part in ways(timeout=SECONDS, return_when=ALL_COMPLETED)] == [3, 0]


def test_a_joined_result_is_told_of_each_task(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = joined(rc, "1", "2", "3")
    assert wait_until(lambda: len(fake.held) == 3)
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(result.wait(SECONDS, FIRST_COMPLETED)))
    waiting.start()
    assert wait_until(lambda: result._watchers)
    fake.answer()
    waiting.join(SECONDS)
    assert [len(part) for part in found[0]] == [1, 2]
    fake.answer(2)
    assert result.get(SECONDS) == [1, 2, 3]


def test_the_first_error_of_a_joined_result_is_raised_at_once(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    view = rc.load_balanced_view()
    result = er.AsyncResult.join(view.apply_async(int, "x"), view.apply_async(int, "2"))
    assert wait_until(lambda: len(fake.held) == 2)
    fake.answer()
    with pytest.raises(ValueError, match="invalid literal"):
        result.get(SECONDS, return_when=FIRST_EXCEPTION)
    assert not result.done()


def test_a_single_result_is_its_own_part(rc: Client) -> None:
    result = rc[0].apply_async(abs, -1)
    assert result.wait(SECONDS, return_when=ALL_COMPLETED) == ({result}, set())


@pytest.mark.parametrize("when", ["", "SOMETIMES", "first_completed", 3])
def test_other_conditions_are_refused(rc: Client, when: Any) -> None:
    result = rc[:].apply_async(abs, -1)
    for call in (result.wait, result.wait_interactive, result.get):
        with pytest.raises(ValueError, match="return_when must be one of ALL_COMPLETED, FIRST_COMPLETED"):
            call(timeout=1, return_when=when)


@pytest.mark.parametrize("wait", ["get", "wait", "result", "exception", "wait_for_output", "wait_interactive"])
def test_it_is_known_that_a_wait_ran_out_of_time(rc: Client, fake: FakeController, wait: str) -> None:
    fake.holding = True
    result = rc[:].apply_async(abs, -1)
    assert not result.timedout
    try:
        ended = getattr(result, wait)(timeout=0.01)
    except TimeoutError:
        ended = False
    assert not ended
    assert result.timedout
    fake.go_on()
    assert result.get(SECONDS) == [1, 1]
    assert not result.timedout


@pytest.mark.parametrize("timeout", ["x", float("nan"), [1]])
def test_wrong_timeouts_are_refused(rc: Client, timeout: Any) -> None:
    result = rc[:].apply_async(abs, -1)
    for wait in (result.get, result.wait, result.wait_interactive, result.wait_for_output, result.get_dict):
        with pytest.raises((TypeError, ValueError), match="timeout must be a number of seconds or None, not"):
            wait(timeout=timeout)


@pytest.mark.parametrize("interval", ["x", None, -1, float("nan")])
def test_wrong_intervals_are_refused(rc: Client, interval: Any) -> None:
    result = rc[:].apply_async(abs, -1)
    for wait in (result.wait_interactive, rc.wait_interactive):
        with pytest.raises((TypeError, ValueError), match="interval must be a number of seconds"):
            wait(interval=interval)


def test_outputs_are_not_waited_for_in_vain(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc[:].apply_async(abs, -1)
    with pytest.raises(ValueError, match="groupby must be 'type', 'engine' or 'order', not 'host'"):
        result.display_outputs("host")


@pytest.mark.parametrize("wrong", [3, None, "id", [1]])
def test_only_results_can_be_joined(rc: Client, wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"join\(\) takes AsyncResults"):
        er.AsyncResult.join(rc[0].apply_async(abs, -1), wrong)


def test_maps_with_items_that_failed_are_waited_for_as_others(rc: Client) -> None:
    result = rc.load_balanced_view().map_async(int, ["1", "x"], return_exceptions=True)
    assert result.wait(SECONDS)
    one, error = result.get()
    assert one == 1
    assert isinstance(error, ValueError)
    assert result.get()[1] is result[1] is list(result)[1] is error
