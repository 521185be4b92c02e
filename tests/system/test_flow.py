"""Futures as arguments, dependencies and functions that choose their engines, on real engines."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import engineroom as er
from engineroom import Client
from tests.patience import SECONDS


@pytest.fixture(scope="module")
def rc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home = tmp_path_factory.mktemp("flow")
    with er.Cluster(n=2, profile_dir=str(home / "profile_flow")) as client:
        yield client


@dataclass
class Box:
    value: Any


def inc(number: int) -> int:
    return number + 1


def fail(number: int) -> int:
    raise ValueError(f"no {number}")


def pid() -> int:
    return os.getpid()


def wait_for(path: str) -> int:
    pause = threading.Event()
    while not Path(path).exists():
        pause.wait(0.01)
    return 7


def test_a_chain_and_a_diamond(rc: Client) -> None:
    view = rc.load_balanced_view()
    result = view.apply_async(inc, 0)
    for _ in range(500):
        result = view.apply_async(inc, result)
    left, right = view.apply_async(inc, result), view.apply_async(inc, result)

    assert view.apply_async(lambda a, b: (a, b), left, right).get(SECONDS) == (502, 502)


def test_futures_at_any_depth(rc: Client) -> None:
    view = rc.load_balanced_view()
    seven = view.apply_async(inc, 6)

    found = view.apply_async(lambda *a, **k: (a, k), [seven, {"a": (seven,)}], box=Box(seven)).get(SECONDS)

    assert found == (([7, {"a": (7,)}],), {"box": Box(7)})
    assert view.apply_async(functools.partial(inc, view.apply_async(inc, 1))).get(SECONDS) == 3
    assert view.map_async(inc, [seven, view.apply_async(inc, 1)]).get(SECONDS) == [8, 3]


def test_lists_maps_and_parts_of_them(rc: Client) -> None:
    view = rc.load_balanced_view()
    many = rc[:].apply_async(inc, 1)
    whole = view.map_async(inc, range(10))
    joined = er.AsyncResult.join(many, view.apply_async(inc, 5))

    assert view.apply_async(list, many).get(SECONDS) == [2, 2]
    assert view.apply_async(sum, whole).get(SECONDS) == 55
    assert view.apply_async(list, whole.split()[3]).get(SECONDS) == [4]
    assert view.apply_async(list, joined).get(SECONDS) == [2, 2, 6]


def test_futures_in_pushes_and_scatters(rc: Client) -> None:
    view = rc.load_balanced_view()
    rc[:].push({"pushed": view.apply_async(inc, 1)}, block=True)
    rc[:].scatter("part", [view.apply_async(inc, 1), view.apply_async(inc, 2)], block=True)

    assert rc[:].pull("pushed", block=True) == [2, 2]
    assert rc[:].gather("part", block=True) == [2, 3]


def test_large_results_go_on_and_nobody_changes_them_for_others(rc: Client) -> None:
    view = rc.load_balanced_view()
    large = rc[0].apply_async(lambda: bytearray(1_000_000))

    def change(data: bytearray) -> int:
        data[0] += 1
        return int(data[0])

    results = [rc[n % 2].apply_async(change, large) for n in range(4)]
    assert [result.get(SECONDS) for result in results] == [1, 1, 1, 1]
    assert view.apply_async(change, large).get(SECONDS) == 1


def test_coroutines_take_futures(rc: Client) -> None:
    async def add(a: int, b: int) -> int:
        import asyncio

        await asyncio.sleep(0)
        return a + b

    view = rc.load_balanced_view()
    first = view.apply_async(add, 1, 2)
    assert view.apply_async(add, first, view.apply_async(add, first, 4)).get(SECONDS) == 10


def test_the_first_error_of_a_chain_is_the_cause_of_all(rc: Client) -> None:
    view = rc.load_balanced_view()
    result = view.apply_async(fail, 5)
    for _ in range(200):
        result = view.apply_async(inc, result)

    with pytest.raises(er.ImpossibleDependency, match="the task failed") as caught:
        result.get(SECONDS)
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(er.ImpossibleDependency):
        view.apply_async(inc, result).get(SECONDS)


def test_a_cancelled_future_fails_those_who_take_it(rc: Client, tmp_path: Path) -> None:
    view = rc.load_balanced_view()
    blocker = [view.apply_async(wait_for, str(tmp_path / "go")) for _ in range(4)]
    late = view.apply_async(inc, 1)
    needs = view.apply_async(inc, late)
    late.cancel()
    with pytest.raises(er.ImpossibleDependency):
        view.apply_async(inc, late).get(SECONDS)
    with pytest.raises((er.ImpossibleDependency, CancelledError)):
        needs.get(SECONDS)
    (tmp_path / "go").touch()
    assert [each.get(SECONDS) for each in blocker] == [7] * 4


def test_a_future_of_another_client_is_refused(rc: Client) -> None:
    with Client(rc._connection_file) as other:
        future = other.load_balanced_view().apply_async(inc, 1)
        with pytest.raises(er.PackError, match="of another client; pass its result instead"):
            rc.load_balanced_view().apply_async(inc, future)
    with pytest.raises(er.PackError, match="closed"):
        rc.load_balanced_view().apply_async(inc, future)
    assert rc.load_balanced_view().apply_async(inc, 1).get(SECONDS) == 2


def test_after_and_follow(rc: Client, tmp_path: Path) -> None:
    view = rc.load_balanced_view()
    there = rc[1].apply_async(pid)
    waits = view.apply_async(wait_for, str(tmp_path / "go"))
    with view.temp_flags(after=waits):
        late = view.apply_async(inc, 1)
    with view.temp_flags(follow=there.msg_ids):
        follows = view.apply_async(pid)
    with view.temp_flags(after=er.Dependency([waits, there], all=False)):
        assert view.apply_async(inc, 2).get(SECONDS) == 3
    with view.temp_flags(after=waits, timeout=0.1), pytest.raises(er.DependencyTimeout):
        view.apply_async(inc, 1).get(SECONDS)
    assert not late.done()
    (tmp_path / "go").touch()
    assert late.get(SECONDS) == 2
    assert follows.get(SECONDS) == there.get(SECONDS)


def test_what_can_be_no_dependency_is_said(rc: Client) -> None:
    view = rc.load_balanced_view()
    for bad in ("0" * 32 + "_1", f"{rc._session.id.hex()}_999999"):
        with view.temp_flags(after=bad), pytest.raises(er.InvalidDependency, match="it depends on"):
            view.apply_async(inc, 1).get(SECONDS)
    with pytest.raises(TypeError, match="after needs AsyncResults or message ids, got 3"):
        view.set_flags(after=3)
    with view.temp_flags(after=view.apply_async(fail, 1)), pytest.raises(er.ImpossibleDependency):
        view.apply_async(inc, 1).get(SECONDS)


def test_functions_choose_their_engines(rc: Client) -> None:
    view = rc.load_balanced_view()
    first = rc[0].apply_sync(pid)

    @er.depend(lambda wanted: os.getpid() == wanted, first)
    def chosen() -> int:
        return os.getpid()

    @er.require("json", inc, seven=7)
    def required() -> str:
        main = vars(sys.modules["__main__"])  # where functions that are defined in a notebook find names
        return str(main["json"].dumps(main["inc"](main["seven"])))

    @er.require("no_such_module")
    def never() -> None:
        raise AssertionError

    assert {view.apply_async(chosen).get(SECONDS) for _ in range(4)} == {first}
    assert view.apply_async(required).get(SECONDS) == "8"
    with pytest.raises(er.ImpossibleDependency, match="no_such_module"):
        view.apply_async(never).get(SECONDS)


def test_a_chain_survives_its_engine(tmp_path: Path) -> None:
    with er.Cluster(n=2, profile_dir=str(tmp_path / "profile_flow")) as rc:
        view = rc.load_balanced_view()
        victim = rc[0].apply_sync(pid)
        head = view.apply_async(lambda path: (wait_for(path), os.getpid())[1], str(tmp_path / "go"))
        result = view.apply_async(lambda _: 0, head)
        for _ in range(50):
            result = view.apply_async(inc, result)
        os.kill(victim, signal.SIGKILL)
        (tmp_path / "go").touch()

        assert result.get(SECONDS) == 50
