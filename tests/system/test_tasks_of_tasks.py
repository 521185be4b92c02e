"""Tasks that submit tasks, on real engines."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import engineroom as er
from engineroom import Client
from tests.patience import SECONDS, comes_true


def come_true(condition: Callable[[], object]) -> bool:
    asyncio.run(comes_true(condition))
    return True


def fibonacci(number: int) -> int:
    if number < 2:
        return number
    view = er.get_client().load_balanced_view()
    one, two = view.apply_async(fibonacci, number - 1), view.apply_async(fibonacci, number - 2)
    return int(one.get() + two.get())


def depth(left: int) -> int:
    return 0 if left == 0 else 1 + int(er.get_client().load_balanced_view().apply_sync(depth, left - 1))


def test_a_tree_of_tasks(rc: Client) -> None:
    view = rc.load_balanced_view()
    assert view.map_sync(fibonacci, [1, 5, 8], chunksize=1) == [1, 5, 21]


def test_as_deep_as_you_like_even_on_one_engine(rc: Client) -> None:
    assert rc.load_balanced_view(targets=[0]).apply_async(depth, 150).get(SECONDS) == 150


def test_maps_executors_and_direct_calls_within_a_task(rc: Client) -> None:
    def everything(own: int) -> tuple[Any, ...]:
        here = er.get_client()
        squares = here.load_balanced_view().map_sync(lambda x: x * x, range(1000))
        with here.executor() as executor:
            doubled = list(executor.map(lambda x: 2 * x, range(10)))
        here[own]["pushed_by_a_task"] = 7  # this engine runs the task
        return sum(squares), doubled, here[own].apply_sync(os.getpid) == os.getpid(), here[:]["pushed_by_a_task * 2"]

    rc[:]["pushed_by_a_task"] = 1
    for engine in rc.ids:
        found = rc[engine].apply_async(everything, engine).get(SECONDS)
        assert found == (332833500, list(range(0, 20, 2)), True, [14, 14] if engine else [14, 2])


def test_an_error_of_an_inner_task_is_caught_by_its_type(rc: Client) -> None:
    def inner() -> None:
        raise LookupError("from within")

    def outer() -> str:
        try:
            er.get_client().load_balanced_view().apply_sync(inner)
        except LookupError as error:
            return str(error.args)
        return "no error"

    view = rc.load_balanced_view()
    assert view.apply_sync(outer) == "('from within',)"
    with pytest.raises(LookupError, match="from within"):
        view.apply_sync(lambda: er.get_client().load_balanced_view().apply_sync(inner))


def test_each_task_writes_in_its_own_name(rc: Client) -> None:
    def outer() -> tuple[str, str]:
        view = er.get_client().load_balanced_view(targets=[0])
        caught = io.StringIO()
        print("before")
        with contextlib.redirect_stdout(caught):
            inner = view.apply_async(print, "inner")
            inner.get()
            print("redirected")
        print("after")
        return inner.stdout, caught.getvalue()

    result = rc.load_balanced_view(targets=[0]).apply_async(outer)
    assert result.get(SECONDS) == ("inner\n", "redirected\n")
    assert result.stdout == "before\nafter\n"


def test_calls_of_a_task_end_with_it(rc: Client) -> None:
    def leave_something() -> str:
        view = er.get_client().load_balanced_view()
        view.map_async(lambda _: __import__("time").sleep(SECONDS), range(20), chunksize=1)

        def late() -> None:
            stop.wait(0.3)
            try:
                view.apply_async(len, "")
            except RuntimeError as error:
                sys.modules["__main__"].__dict__["said"] = str(error)

        stop = threading.Event()
        threading.Thread(target=late, daemon=True).start()
        return "left"

    assert rc[0].apply_sync(leave_something) == "left"
    assert come_true(lambda: not any(status["tasks"] for status in _engines(rc)))
    assert come_true(lambda: "said" in rc[0].apply_sync(dir, er.Reference("__import__('__main__')")))
    assert "has ended" in rc[0]["said"]


def _engines(rc: Client) -> list[dict[str, Any]]:
    return [status for engine, status in rc.queue_status().items() if engine != "unassigned"]


def test_cancelling_a_task_interrupts_what_it_waits_for(rc: Client) -> None:
    def outer() -> None:
        er.get_client().load_balanced_view().apply_sync(__import__("time").sleep, SECONDS)

    result = rc.load_balanced_view().apply_async(outer)
    assert come_true(lambda: sum(status["tasks"] for status in _engines(rc)) == 2)
    result.cancel()
    assert come_true(lambda: not any(status["tasks"] for status in _engines(rc)))


def test_a_task_that_loses_its_engine_while_it_waits_runs_again(rc: Client) -> None:
    def outer(first: int) -> int:
        here = er.get_client()
        if os.getpid() == first:
            here.load_balanced_view().apply_sync(os.kill, first, signal.SIGKILL)
        return int(here.load_balanced_view().apply_sync(abs, -3))

    pid = rc[0].apply_sync(os.getpid)
    view = rc.load_balanced_view(retries=0)
    assert view.map_async(outer, [pid] * 2, chunksize=1).get(SECONDS) == [3, 3]


def test_there_is_no_such_client_outside_a_task() -> None:
    with pytest.raises(RuntimeError, match="this process is no engine"):
        er.get_client()


def test_a_task_does_not_end_engines(rc: Client) -> None:
    with pytest.raises(RuntimeError, match="a task cannot end engines"):
        rc.load_balanced_view().apply_sync(lambda: er.get_client().shutdown())


def test_coroutines_wait_for_tasks_of_their_own(rc: Client) -> None:
    async def tree(number: int) -> int:
        if number < 2:
            return number
        view = er.get_client().load_balanced_view()
        one, two = await asyncio.gather(*(view.apply_async(tree, number - step) for step in (1, 2)))
        return int(one + two + await view.apply_async(abs, 0))

    assert rc.load_balanced_view().apply_async(tree, 6).get(SECONDS) == 8
    assert rc.load_balanced_view(targets=rc.ids[:1]).apply_async(tree, 5).get(SECONDS) == 5


def test_more_than_the_limit_within_each_other_is_an_error(rc: Client) -> None:
    with pytest.raises(RecursionError, match="submit tasks less deeply"):
        rc.load_balanced_view(targets=rc.ids[:1]).apply_async(depth, 600).get(SECONDS)
