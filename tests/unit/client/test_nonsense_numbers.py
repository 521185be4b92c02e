"""Numbers that make no sense are refused in words, wherever numbers are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import engineroom as er
from engineroom.client.client import Client
from engineroom.settings.amounts import amount_of
from tests.unit.client.fake_controller import FakeController

NO_NUMBERS: list[Any] = ["5", 1j, math.nan, b"1", [1]]

Call = Callable[[Client, Any], object]
TIMES: dict[str, Call] = {
    "get": lambda rc, value: rc[:].apply_async(abs, 1).get(value),
    "result": lambda rc, value: rc[:].apply_async(abs, 1).result(value),
    "exception": lambda rc, value: rc[:].apply_async(abs, 1).exception(value),
    "wait": lambda rc, value: rc[:].apply_async(abs, 1).wait(value),
    "wait for all": lambda rc, value: rc.wait(timeout=value),
    "wait for engines": lambda rc, value: rc.wait_for_engines(1, timeout=value),
    "interval": lambda rc, value: rc[:].apply_async(abs, 1).wait_interactive(value),
    "executor": lambda rc, value: rc.executor().map(abs, [1], timeout=value),
    "dependencies": lambda rc, value: rc.load_balanced_view(timeout=value),
    "time limit": lambda rc, value: rc[:].set_flags(time_limit=value),
    "linger": lambda rc, value: rc.close(value),
    "delay": lambda rc, value: er.Cluster(delay=value),
    "engines": lambda rc, value: er.Cluster(engine_timeout=value),
}
COUNTS: dict[str, Call] = {
    "chunksize": lambda rc, value: rc.load_balanced_view().map_async(abs, [1], chunksize=value),
    "buffersize": lambda rc, value: rc.executor().map(abs, [1], buffersize=value),
    "max_outstanding": lambda rc, value: rc[:].imap(abs, [1], max_outstanding=value),
    "retries": lambda rc, value: rc.load_balanced_view(retries=value).apply_async(abs, 1),
    "n": lambda rc, value: rc.wait_for_engines(value),
}
NO_AMOUNTS = [
    "-1",
    "-4GiB",
    "-inf",
    "nan",
    "inf",
    "Infinity",
    "1e400",
    "1e19",
    "",
    " ",
    "GiB",
    "k",
    "0x10",
    "1,5GB",
    "4 e",
]
NO_AMOUNTS_EITHER: list[Any] = [-1, -0.5, math.nan, math.inf, 10**400, -(10**400), True, b"1", 1j, None]


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_no_number_of_seconds(name: str, value: Any, rc: Client, fake: FakeController) -> None:
    fake.holding = True
    with pytest.raises((TypeError, ValueError, er.LaunchError), match="must be"):
        TIMES[name](rc, value)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [*NO_NUMBERS, -1, 0.5, math.inf], ids=repr)
def test_no_count(name: str, value: Any, rc: Client) -> None:
    with pytest.raises((TypeError, ValueError), match="must be"):
        COUNTS[name](rc, value)


@pytest.mark.parametrize("value", [*NO_AMOUNTS, *NO_AMOUNTS_EITHER], ids=lambda value: repr(value)[:9])
def test_no_amount(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^memory must be ") as caught:
        amount_of("memory", value)
    assert repr(value) in str(caught.value)
    if value not in (None, ""):  # an option that is not set
        with pytest.raises(er.LaunchError, match="engine_memory_limit must be "):
            er.Cluster(engine_memory_limit=value)


def test_less_than_a_byte_is_no_limit() -> None:
    with pytest.raises(er.LaunchError, match=r"engine_memory_limit is a number of bytes, and '0.5' is less than one"):
        er.Cluster(engine_memory_limit="0.5")


def test_times_that_nobody_waits_are_no_limit(rc: Client) -> None:
    for long in (math.inf, 10**400, 1e18, 1e300):
        assert rc[:].apply_async(abs, -1).get(long) == [1, 1]
        assert rc[:].apply_async(abs, -1).result(long) == [1, 1]
        assert list(rc.executor().map(abs, [-1], timeout=long)) == [1]
        assert rc.wait(timeout=long)
        assert rc.load_balanced_view(timeout=long, after=[]).apply_sync(abs, -1) == 1
