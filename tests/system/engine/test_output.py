"""What tasks write, by whatever way, reaches the controller in their name and never hurts anybody."""

from __future__ import annotations

import asyncio
from typing import Any

import psutil
import pytest

from engineroom.protocol.messages import Finished, Interrupt, Kind, Output, Started


def test_output_comes_before_the_end(play: Any) -> None:
    def talk() -> None:
        import sys

        print("one")
        print("two", file=sys.stderr)
        sys.stdout.buffer.write("thrée".encode())

    async def story(controller: Any, _: Any) -> None:
        task = controller.apply(talk)
        await controller.result(task)
        assert controller.written(task) == "one\nthrée"
        assert controller.written(task, 2) == "two\n"
        kinds = [type(message) for message in controller.messages]
        assert kinds.index(Finished) > max(i for i, kind in enumerate(kinds) if kind is Output)

    play(story)


def test_output_of_a_long_task_comes_while_it_runs(play: Any) -> None:
    def talk() -> None:
        import threading

        print("begun")
        threading.Event().wait(20)

    async def story(controller: Any, _: Any) -> None:
        task = controller.apply(talk)
        await controller.until(lambda: controller.written(task) == "begun\n")
        assert [m.task for m in controller.of(Started)] == [task]

    play(story)


def test_threads_subprocesses_and_c_code_write_in_the_name_of_their_task(play: Any) -> None:
    def talk() -> None:
        import ctypes
        import os
        import subprocess
        import sys
        import threading

        thread = threading.Thread(target=print, args=("thread",))
        thread.start()
        thread.join()
        subprocess.run([sys.executable, "-c", "print('child')"], check=True)
        os.write(2, b"descriptor\n")
        ctypes.CDLL(None).puts(b"printf")

    async def story(controller: Any, _: Any) -> None:
        task = controller.apply(talk)
        await controller.result(task)
        assert set(controller.written(task).split()) == {"thread", "child", "printf"}
        assert controller.written(task, 2) == "descriptor\n"

    play(story)


def test_a_forked_child_writes_in_the_name_of_its_task(play: Any) -> None:
    def talk() -> None:
        import multiprocessing

        child = multiprocessing.get_context("fork").Process(target=print, args=("forked",))
        child.start()
        child.join()

    async def story(controller: Any, _: Any) -> None:
        task = controller.apply(talk)
        await controller.result(task)
        assert controller.written(task) == "forked\n"

    play(story)


def test_output_after_the_end_goes_to_the_log(play: Any) -> None:
    def leave_thread() -> None:
        import threading

        def later() -> None:
            ended.wait(20)
            print("too late")

        ended = threading.Event()
        threading.Thread(target=later).start()
        __import__("sys").modules["__main__"].ended = ended  # type: ignore[attr-defined]

    async def story(controller: Any, engine: Any) -> None:
        task = controller.apply(leave_thread)
        await controller.result(task)
        await controller.result(controller.ask(Kind.PULL, "ended.set()"))
        await engine.logged("too late")
        await controller.call(lambda: None)
        assert not controller.of(Output)

    play(story)


def test_endless_output_is_cut_and_can_be_interrupted(play: Any) -> None:
    def shout() -> None:
        while True:
            print("x" * 99)

    async def story(controller: Any, engine: Any) -> None:
        task = controller.apply(shout)
        await controller.until(lambda: len(controller.written(task)) >= 5_000)
        await asyncio.sleep(0.2)
        assert psutil.Process(engine.process.pid).memory_info().rss < 150 * 2**20
        controller.connection.send(Interrupt(task, 1))
        with pytest.raises(Exception, match="KeyboardInterrupt"):
            await controller.result(task)
        text = controller.written(task)
        assert len(text) < 10_200
        assert "characters of output were cut here" in text
        assert text.startswith("xxx")

    play(story, max_output_bytes=10_000)


def test_endless_output_of_a_subprocess_is_cut_as_well(play: Any) -> None:
    def shout() -> None:
        import subprocess

        subprocess.run("yes zzzzzzzzzzzzzzzzzzzzzzzzzzz | head -c 20000000", shell=True, check=True)

    async def story(controller: Any, engine: Any) -> None:
        task = controller.apply(shout)
        await controller.result(task)
        text = controller.written(task)
        assert "cut here" in text
        assert len(text) < 1_200_000

    play(story)


def test_text_that_is_no_unicode_is_shown_all_the_same(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        task = controller.apply(lambda: print("\udc80"))
        await controller.result(task)
        assert controller.written(task) == "\\udc80\n"

    play(story)
