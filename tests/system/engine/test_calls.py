"""What calls do on a real engine."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engineroom.errors import RemoteError
from engineroom.protocol.messages import AlreadyStarted, Kind, NeedFunction, Revoke, Revoked, Started
from tests.system.held_tasks import Mark, wait_for_file

MIB = 1024 * 1024


def test_apply_returns_the_value(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        assert await controller.call(lambda a, b: a + b, 2, 3) == 5
        assert controller.joins[0].info.python.startswith("3.")
        assert controller.joins[0].info.problem == ""

    play(story)


def test_an_async_function_is_run_to_its_end(play: Any) -> None:
    async def twice(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    async def story(controller: Any, _: Any) -> None:
        assert await controller.call(twice, 4) == 8

    play(story)


def test_push_and_pull_use_the_namespace_that_functions_see(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        await controller.result(controller.ask(Kind.PUSH, {"a": 7, "b": [1]}))
        assert await controller.result(controller.ask(Kind.PULL, "a")) == 7
        assert await controller.result(controller.ask(Kind.PULL, ["b[0]", "a"])) == [1, 7]
        with pytest.raises(NameError, match="nothing"):
            await controller.result(controller.ask(Kind.PULL, "nothing"))

    play(story)


def test_a_cell_is_run_by_ipython_in_the_same_namespace(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        reply = await controller.result(controller.ask(Kind.EXECUTE, {"code": "x = 5\nx + 1"}))
        assert reply.data["text/plain"] == "6"
        assert await controller.result(controller.ask(Kind.PULL, "x")) == 5
        waited = "import asyncio\nawait asyncio.sleep(0, 'waited')"
        reply = await controller.result(controller.ask(Kind.EXECUTE, {"code": waited}))
        assert reply.data["text/plain"] == "'waited'"

    play(story)


def test_an_error_in_a_cell_names_its_file(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        with pytest.raises(ZeroDivisionError) as caught:
            await controller.result(controller.ask(Kind.EXECUTE, {"code": "\n1/0", "name": "/home/u/job.py"}))
        error: Any = caught.value
        assert "job.py" in str(error.traceback)
        assert "interactiveshell" not in str(error.traceback)

    play(story)


def test_long_arguments_and_results_travel_as_streams(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        data = bytes(range(256)) * 4096 * 8
        assert await controller.call(lambda data: data[::-1], data) == data[::-1]

    play(story)


def test_a_balanced_task_whose_body_is_late_is_passed_over(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        late = controller.apply(len, b"x" * 64 * MIB)
        assert await controller.call(lambda: 1) == 1
        assert late not in controller.results
        assert await controller.result(late) == 64 * MIB

    play(story)


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        ("raise SystemExit(3)", "SystemExit", "3"),
        ("import nowhere_to_be_found", "ModuleNotFoundError", "nowhere_to_be_found"),
        ("raise MemoryError('no more')", "MemoryError", "no more"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
    ],
)
def test_whatever_a_task_raises_is_its_result(play: Any, code: str, name: str, words: str) -> None:
    def raising(code: str) -> None:
        exec(code)

    async def story(controller: Any, _: Any) -> None:
        with pytest.raises(RemoteError) as caught:
            await controller.call(raising, code)
        assert caught.value.ename == name
        assert words in caught.value.evalue
        assert await controller.call(lambda: "lives") == "lives"

    play(story)


def test_a_result_over_the_limit_fails_with_its_size(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        with pytest.raises(RemoteError, match=r"2,0\d\d,\d\d\d bytes"):
            await controller.call(lambda: b"x" * 2_000_000)
        assert await controller.call(lambda: "lives") == "lives"

    play(story, max_result_bytes=MIB)


def test_a_result_that_cannot_be_packed_is_named(play: Any) -> None:
    def lock() -> Any:
        import threading

        return {"inner": threading.Lock()}

    async def story(controller: Any, _: Any) -> None:
        with pytest.raises(RemoteError, match="lock"):
            await controller.call(lock)

    play(story)


def test_a_result_is_a_snapshot(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        controller.ask(Kind.PUSH, {"kept": [1]})
        first = controller.ask(Kind.PULL, "kept")
        await controller.result(controller.ask(Kind.EXECUTE, {"code": "kept.append(2)"}))
        assert await controller.result(first) == [1]

    play(story)


def test_a_function_that_is_missing_is_asked_for(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        waiting = [controller.apply(abs, -1, send=False), controller.apply(abs, -2, send=False)]
        await controller.until(lambda: controller.of(NeedFunction))
        assert await controller.call(lambda: "others go on") == "others go on"
        assert len(controller.of(NeedFunction)) == 1
        assert await controller.call(abs, -3) == 3
        assert [await controller.result(task) for task in waiting] == [1, 2]

    play(story)


def test_what_has_started_is_not_given_back(play: Any, mark: Mark) -> None:
    async def story(controller: Any, _: Any) -> None:
        await controller.call(wait_for_file, __file__)  # its module is there from now on
        first, second = controller.apply(wait_for_file, str(mark)), controller.apply(abs, -1)
        await controller.until(lambda: any(message.task == first for message in controller.of(Started)))
        for task in (first, second):
            controller.connection.send(Revoke(task, 1))
        await controller.until(lambda: controller.of(Revoked) and controller.of(AlreadyStarted))
        assert [m.task for m in controller.of(Revoked)] == [second]
        assert [m.task for m in controller.of(AlreadyStarted)] == [first]
        mark.set()
        await controller.result(first)
        controller.connection.send(Revoke(first, 1))
        await controller.until(lambda: len(controller.of(AlreadyStarted)) == 2)
        assert second not in controller.results

    play(story)


def test_direct_tasks_go_ahead_of_balanced_ones(play: Any, mark: Mark) -> None:
    async def story(controller: Any, _: Any) -> None:
        hold = controller.apply(wait_for_file, str(mark))
        await controller.until(lambda: controller.of(Started))
        balanced = controller.apply(abs, 1)
        direct = [controller.apply(abs, 2, direct=True), controller.apply(abs, 3, direct=True)]
        controller.connection.send(Revoke(hold, 1))  # the answer comes when all that was sent before has come
        await controller.until(lambda: controller.of(AlreadyStarted))
        mark.set()
        for task in (balanced, *direct, hold):
            await controller.result(task)
        assert list(controller.results) == [hold, *direct, balanced]

    play(story)


def test_an_announced_start_is_told_before_the_call_begins(play: Any) -> None:
    def die() -> None:
        import os

        os._exit(3)

    async def story(controller: Any, engine: Any) -> None:
        task = controller.apply(die, announce=True)
        await controller.until(lambda: controller.closed)
        assert [m.task for m in controller.of(Started)] == [task]
        assert await engine.exit_code() == 3

    play(story)


def test_short_tasks_are_not_announced(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        for _ in range(40):
            await controller.call(lambda: None)
        assert len(controller.of(Started)) < 20  # few, for a busy machine may make any task a long one

    play(story)
