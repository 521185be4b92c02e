"""Views on real engines."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

import engineroom as er
from engineroom import Client, Cluster


def test_push_execute_pull(rc: Client) -> None:
    view = rc[:]
    view.push({"a": 2}, block=True)
    view.execute("b = a * 21", block=True)
    assert view["b"] == [42, 42]
    reply = rc[0].execute("print('said'); b + 1", silent=False, block=True)
    assert reply.get().text == "43"
    assert reply.stdout == "said\n"
    with pytest.raises(er.CompositeError):
        view.execute("nonsense(", block=True)
    with pytest.raises(ZeroDivisionError):
        rc[0].execute("1 / 0", block=True)


def test_run_a_file(rc: Client, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from_script = 6 * 7\n")
    rc[:].run(script, block=True)
    assert rc[:]["from_script"] == [42, 42]


def test_references_and_the_namespace(rc: Client) -> None:
    rc[0]["number"], rc[1]["number"] = 10, 20
    assert rc[:].apply_sync(abs, er.Reference("number * -1")) == [10, 20]


def test_scatter_and_gather_arrays(rc: Client) -> None:
    view, array = rc[:], np.arange(300_000, dtype=float).reshape(-1, 3)
    view.scatter("part", array, block=True)
    view.execute("part = part * 2", block=True)
    np.testing.assert_array_equal(view.gather("part", block=True), array * 2)


def test_results_are_private_and_writable(rc: Client) -> None:
    array = np.zeros(100_000)
    waiting = rc[0].apply_async(np.negative, array)
    array[:] = 7
    result = waiting.get()
    assert not result.any()
    result += 1


def test_maps(rc: Client) -> None:
    items = range(20_000)
    for view in (rc[:], rc.load_balanced_view()):
        assert view.map_sync(abs, [-item for item in items]) == list(items)
    balanced = rc.load_balanced_view()
    assert balanced.map_sync(divmod, items, itertools.repeat(7, 100)) == [divmod(item, 7) for item in range(100)]
    assert sorted(balanced.map_async(abs, range(-50, 0), ordered=False)) == list(range(1, 51))


def test_async_functions_run_and_map(rc: Client) -> None:
    async def later(x: int) -> int:
        import asyncio

        await asyncio.sleep(0)
        return x + 1

    view = rc.load_balanced_view()
    assert view.apply_sync(later, 1) == 2
    assert view.map_sync(later, range(5)) == [1, 2, 3, 4, 5]


def test_imap_over_an_endless_iterator(rc: Client) -> None:
    squares = rc.load_balanced_view().imap(pow, itertools.count(), itertools.repeat(2))
    assert list(itertools.islice(squares, 500)) == [number**2 for number in range(500)]
    squares.cancel()
    unordered = rc.load_balanced_view().imap(abs, range(-300, 0), ordered=False)
    assert sorted(unordered) == list(range(1, 301))


def test_errors_of_items_name_the_map_that_they_are_of(rc: Client) -> None:
    def half(x: int) -> float:
        return 1 / x

    view, pool = rc.load_balanced_view(targets=0), rc.load_balanced_view(targets=0).executor
    maps: dict[str, Callable[[], Iterable[float]]] = {
        "imap": lambda: view.imap(half, [1, 0]),
        "map": lambda: view.map_sync(half, [1, 0]),
        "map ": lambda: pool.map(half, [1, 0], buffersize=2),
    }
    for name, results in maps.items():
        with pytest.raises(ZeroDivisionError) as caught:
            list(results())
        title = f"[0:{name.strip()}] item 1 (0):"
        assert str(caught.value).endswith(f"{title} ZeroDivisionError: division by zero")
        assert str(caught.value.__cause__).startswith(title)


def test_an_executor(rc: Client) -> None:
    with rc.executor() as pool:
        assert sum(pool.map(pow, range(1000), itertools.repeat(2, 1000))) == sum(number**2 for number in range(1000))
    assert rc[0].apply_sync(abs, -1) == 1


def test_balanced_targets_are_kept_to(rc: Client) -> None:
    [pid] = rc[[1]].apply_sync(os.getpid)
    assert set(rc.load_balanced_view(targets=1).map_sync(eval, ["__import__('os').getpid()"] * 20)) == {pid}


def test_retries_count_exceptions(rc: Client, tmp_path: Path) -> None:
    def third_time_lucky(path: str) -> int:
        with open(path, "a") as file:
            file.write("x")
        with open(path) as file:
            count = len(file.read())
        if count < 3:
            raise ValueError(count)
        return count

    view = rc.load_balanced_view(retries=5)
    assert view.apply_sync(third_time_lucky, str(tmp_path / "tries")) == 3
    with pytest.raises(ValueError, match="1"):
        view.set_flags(retries=0).apply_sync(third_time_lucky, str(tmp_path / "once"))


def test_what_an_engine_lacks_is_named(rc: Client) -> None:
    with pytest.raises(ImportError, match="no_such_module"):
        rc[0].apply_sync(eval, "__import__('no_such_module')")


def test_tasks_that_wait_for_tasks_on_all_engines_are_told(rc: Client, cluster: Cluster) -> None:
    def outer(profile: str, cluster_id: str) -> str:
        import engineroom

        with engineroom.Client(profile_dir=profile, cluster_id=cluster_id) as inside:
            result = inside.load_balanced_view().apply_async(abs, -1)
            try:
                result.get(4.5)
            except TimeoutError as error:
                return str(error)
        return "it ran"

    there = [cluster.profile_dir] * len(rc.ids), [cluster.cluster_id] * len(rc.ids)
    outer_calls = rc.load_balanced_view().map_async(outer, *there, chunksize=1)
    for words in (outer_calls.get(), outer_calls.stderr):
        assert any(f"all {len(rc.ids)} engines are busy" in each for each in words), words
