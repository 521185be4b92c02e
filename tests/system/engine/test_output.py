"""What tasks write, by whatever way, reaches the controller in their name and never hurts anybody."""

from __future__ import annotations

import signal
from typing import Any

import psutil
import pytest

from engineroom.protocol.messages import Finished, Interrupt, Kind, Output, Started
from tests.patience import comes_true


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
        import signal
        import threading

        def later() -> None:
            ended.wait(20)
            print("too late")

        ended = threading.Event()
        threading.Thread(target=later).start()
        signal.signal(signal.SIGUSR2, lambda *_: ended.set())

    async def story(controller: Any, engine: Any) -> None:
        task = controller.apply(leave_thread)
        await controller.result(task)
        engine.signal(signal.SIGUSR2)
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
        process = psutil.Process(engine.process.pid)
        enough = process.cpu_times().user + 0.2
        await comes_true(lambda: process.cpu_times().user > enough)
        assert process.memory_info().rss < 150 * 2**20
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


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_a_task_that_deletes_a_stream_leaves_it_to_the_next(play: Any, name: str) -> None:
    def misuse() -> None:
        delattr(__import__("sys"), name)

    async def story(controller: Any, _: Any) -> None:
        await controller.result(controller.apply(misuse))
        task = controller.apply(lambda: print("here"))
        await controller.result(task)
        assert controller.written(task) == "here\n"

    play(story)


MISUSES = (
    "import io, sys\nmine = io.TextIOWrapper(sys.stdout.buffer, 'utf-8', write_through=False)\nmine.write('x')",
    "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')\nprint('x', end='')",
    "import codecs, sys\nsys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer)\nprint('x', end='')",
    "import sys\nprint('x', end='')\nsys.stdout.close()",
    "import sys\nprint('x', end='')\nsys.stdout.buffer.close()\nsys.stdout.buffer.raw.close()",
    "import sys\nprint('x', end='')\nsys.stdout.reconfigure(encoding='latin-1', line_buffering=False)",
    "import sys\nprint('x', end='')\nsys.stdout = None\nsys.stderr = object()",
    "import io, sys\nprint('x', end='')\nsys.stdout = sys.stderr = io.StringIO()\nprint('away')",
    "import os\nprint('x', end='')\nos.close(1)\nos.close(2)",
    "import os\nprint('x', end='')\nos.dup2(os.open(os.devnull, os.O_RDWR), 1)",
    "import os\nprint('x', end='')\nread, write = os.pipe()\nos.dup2(write, 1)\nos.dup2(write, 2)\nos.write(2, b'y')",
    "import sys\nopen(sys.stdout.fileno(), 'w').write('x')",
    "import os\nos.write(1, b'x')\nos.ftruncate(1, 0)",
    "import os, subprocess\nos.closerange(1, 3)\nother = open(os.devnull)\nprint('x', end='')",
)


def test_whatever_a_task_does_to_its_streams_the_next_has_them_whole(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        for code in MISUSES:
            misuse = controller.ask(Kind.EXECUTE, {"code": f"def misuse():\n    exec({code!r}, {{}})\nmisuse()"})
            await controller.result(misuse)
            said = controller.written(misuse)
            assert said.replace("away\n", "") in ("x", "") if "ftruncate" in code else said == "x", code
            later = controller.ask(Kind.EXECUTE, {"code": "import os, sys\nprint('print')\nos.system('echo child')"})
            await controller.result(later)
            assert sorted(controller.written(later).split()) == ["child", "print"], code
            error = controller.ask(Kind.EXECUTE, {"code": "print('e', file=sys.stderr)\nn = os.write(2, b'c')"})
            await controller.result(error)
            assert sorted(controller.written(error, 2).replace("\n", "")) == ["c", "e"], code

    play(story)


def test_what_an_earlier_task_left_behind_writes_in_the_name_of_the_one_that_runs(play: Any) -> None:
    setup = """
import _thread, asyncio, ctypes, logging, queue, sys, threading
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)
pool.submit(print, "first").result()
wishes, done = queue.SimpleQueue(), queue.SimpleQueue()

def serve():
    while (words := wishes.get()) is not None:
        print(words)
        done.put(None)

_thread.start_new_thread(serve, ())
log = logging.getLogger("mine")
log.addHandler(logging.StreamHandler(sys.stdout))
called_by_c = ctypes.CFUNCTYPE(None)(lambda: print("callback"))
loop = asyncio.new_event_loop()
"""
    use = """
pool.submit(print, "pool").result()
wishes.put("served")
done.get()
log.warning("logged")
called_by_c()
loop.run_until_complete(loop.run_in_executor(None, print, "executor"))
"""

    async def story(controller: Any, _: Any) -> None:
        first = controller.ask(Kind.EXECUTE, {"code": setup})
        await controller.result(first)
        assert controller.written(first) == "first\n"
        for _time in range(2):
            later = controller.ask(Kind.EXECUTE, {"code": use})
            await controller.result(later)
            assert controller.written(later).split() == ["pool", "served", "logged", "callback", "executor"]

    play(story)
