"""An interrupt ends exactly the attempt that is meant."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from engineroom.errors import RemoteError
from engineroom.protocol.messages import AlreadyStarted, Interrupt, Kind, Revoke, Started
from tests.system.held_tasks import Mark, wait_for_file


def loop() -> None:
    while True:
        pass


LOOP = {"code": "while True: pass"}
SLEEP = {"code": "import time; time.sleep(60)"}
ASYNC = {"code": "import asyncio; await asyncio.sleep(60)"}
THREADS = {"code": "import threading; threading.Event().wait(60)"}


@pytest.mark.parametrize("cell", [LOOP, SLEEP, ASYNC, THREADS])
@pytest.mark.parametrize("outside", [False, True])
def test_the_running_task_is_interrupted(play: Any, cell: dict[str, str], outside: bool) -> None:
    async def story(controller: Any, engine: Any) -> None:
        task = controller.ask(Kind.EXECUTE, cell)
        await controller.until(lambda: controller.of(Started))
        if outside:
            engine.signal(signal.SIGINT)
        else:
            controller.connection.send(Interrupt(task, 1))
        with pytest.raises(RemoteError, match="KeyboardInterrupt"):
            await controller.result(task)
        assert await controller.call(lambda: "lives") == "lives"

    play(story)


def test_an_interrupt_that_comes_before_the_code_is_entered_is_not_lost(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        for _ in range(50):
            task = controller.ask(Kind.EXECUTE, LOOP, announce=True)
            await controller.until(lambda: controller.of(Started))
            engine.signal(signal.SIGINT)
            with pytest.raises(RemoteError, match="KeyboardInterrupt"):
                await controller.result(task)
            controller.messages.clear()

    play(story)


def test_ipython_does_not_swallow_an_interrupt(play: Any) -> None:
    slow = "import threading; get_ipython().events.register('pre_execute', lambda: threading.Event().wait(0.3))"

    async def story(controller: Any, _: Any) -> None:
        await controller.result(controller.ask(Kind.EXECUTE, {"code": slow}))
        controller.messages.clear()
        task = controller.ask(Kind.EXECUTE, LOOP)
        await controller.until(lambda: controller.of(Started))
        controller.connection.send(Interrupt(task, 1))
        with pytest.raises(RemoteError, match="KeyboardInterrupt"):
            await controller.result(task)

    play(story)


def test_another_attempt_is_not_interrupted(play: Any, mark: Mark) -> None:
    async def story(controller: Any, _: Any) -> None:
        hold = controller.apply(wait_for_file, str(mark))
        waiting = controller.apply(abs, -1)
        await controller.until(lambda: controller.of(Started))
        for task, attempt in ((hold, 2), (waiting, 1)):
            controller.connection.send(Interrupt(task, attempt))
        controller.connection.send(Revoke(hold, 1))  # the answer comes when all that was sent before has come
        await controller.until(lambda: controller.of(AlreadyStarted))
        mark.set()
        assert await controller.result(hold) == ""
        assert await controller.result(waiting) == 1
        controller.connection.send(Interrupt(waiting, 1))
        assert await controller.call(lambda: "lives") == "lives"

    play(story)


def test_a_late_interrupt_hits_nobody(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        tasks = []
        for _ in range(200):
            tasks.append(controller.apply(abs, -1))
            controller.connection.send(Interrupt(tasks[-1], 1))
            tasks.append(controller.apply(abs, -2))
        results = [await controller.result(task) for task in tasks[1::2]]
        assert results == [2] * 200

    play(story)


def test_an_idle_engine_ignores_interrupts(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        await controller.call(lambda: None)
        for _ in range(3):
            engine.signal(signal.SIGINT)
        assert await controller.call(lambda: "lives") == "lives"

    play(story)
