"""How an engine ends, and that it says why."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from engineroom.engine.held import held_pieces
from engineroom.ids import new_instance
from engineroom.protocol.messages import Held, Kind, Output, Shutdown, Started
from tests.patience import slowly
from tests.system.conftest import until
from tests.system.held_tasks import Mark, wait_for_file


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os; os._exit(7)", 7),
        ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    ],
)
def test_a_death_is_seen_at_once(play: Any, code: str, expected: int) -> None:
    async def story(controller: Any, engine: Any) -> None:
        controller.ask(Kind.PUSH, {"code": code})
        controller.ask(Kind.PULL, "exec(code)")
        await controller.until(lambda: controller.closed)
        assert await engine.exit_code() == expected
        if expected == -signal.SIGSEGV:
            until(lambda: "Segmentation fault" in engine.log.read_text())  # another process writes it there

    play(story)


def test_a_forked_child_does_not_keep_the_connection_open(play: Any) -> None:
    def fork_and_die() -> None:
        import multiprocessing
        import os
        import threading

        multiprocessing.get_context("fork").Process(target=threading.Event().wait, args=(60,)).start()
        os._exit(1)

    async def story(controller: Any, _: Any) -> None:
        controller.apply(fork_and_die)
        started = time.monotonic()
        await controller.until(lambda: controller.closed)
        assert time.monotonic() - started < slowly(2)

    play(story)


def test_an_idle_engine_leaves_when_told(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        controller.connection.send(Shutdown(reason="enough"))
        assert await engine.exit_code() == 0
        await controller.until(lambda: controller.closed == ["enough"])

    play(story)


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", "while True:\n try: time.sleep(9)\n except: pass"])
def test_a_busy_engine_leaves_as_well(play: Any, code: str) -> None:
    async def story(controller: Any, engine: Any) -> None:
        controller.ask(Kind.EXECUTE, {"code": "import time\n" + code})
        await controller.until(lambda: controller.of(Started))
        controller.connection.send(Shutdown())
        assert await engine.exit_code() == 0

    play(story)


def test_without_a_connection_file_it_says_what_it_waits_for(play: Any) -> None:
    async def story(_: Any, engine: Any) -> None:
        assert await engine.exit_code() == 255
        log = engine.log.read_text()
        assert "waiting for the controller" in log
        assert "ipcluster start" in log
        assert "engine.json" in log

    play(story, opened=False, join=False, connect_timeout=0.2)


def test_no_thread_is_left_when_the_interpreter_is_taken_apart(play: Any, tmp_path: Path) -> None:
    told = tmp_path / "threads"
    code = f"""
import os, sys
class Last:
    def __del__(self, listdir=os.listdir, open=open, len=len, str=str):  # what is global is gone by then
        with open({str(told)!r}, "w") as file:
            file.write(str(len(listdir("/proc/self/task"))))
sys.last = Last()
"""

    async def story(_: Any, engine: Any) -> None:
        assert await engine.exit_code() == 255

    play(story, opened=False, join=False, connect_timeout=0.2, startup_command=code)
    assert told.read_text() == "1"


def test_an_engine_that_starts_first_waits_for_the_file(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        await engine.logged("waiting")
        controller.open()
        await controller.until(lambda: controller.joins)
        assert await controller.call(lambda: 1) == 1

    play(story, opened=False, join=False)


def test_a_wrong_key_ends_it_with_the_controllers_words(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        controller.open(exec_key="0" * 64)
        assert await engine.exit_code() == 255
        assert "wrong key" in engine.log.read_text()

    play(story, opened=False, join=False)


def test_results_are_said_again_after_a_cut(play: Any, mark: Mark) -> None:
    def talk(mark: str) -> str:
        print("before")
        wait_for_file(mark)
        print("after")
        return "done"

    async def story(controller: Any, _: Any) -> None:
        await controller.call(wait_for_file, __file__)  # its module is there from now on
        first, unacknowledged = controller.apply(abs, -1), controller.apply(abs, -2)
        await controller.result(first)
        await controller.result(unacknowledged)
        controller.acknowledge(first)
        running, queued = controller.apply(talk, str(mark)), controller.apply(abs, -4)
        await controller.until(lambda: controller.written(running) == "before\n")
        controller.cut()
        controller.results.clear()
        await controller.until(lambda: len(controller.of(Held)) == 2)
        assert controller.of(Held)[1:] == held_pieces([(running, 1)], [(queued, 1)], [(unacknowledged, 1)])
        assert controller.joins[1].identity == controller.joins[0].identity
        mark.set()
        assert await controller.result(running) == "done"
        assert await controller.result(queued) == 4
        assert set(controller.results) == {unacknowledged, running, queued}
        assert controller.written(running) == "before\nafter\n"

    play(story)


def test_without_a_controller_it_ends_after_the_timeout(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        controller.shut_door()
        controller.cut()
        assert await engine.exit_code() == 1
        assert re.search(r"no controller within \d+\.\d s", engine.log.read_text())

    play(story, reconnect_timeout=0.3)


def test_start_up_code_runs_in_the_namespace_and_its_errors_are_told(play: Any, tmp_path: Any) -> None:
    script = tmp_path / "start.py"
    script.write_text("a = 1\nwhere = __file__\nraise ValueError('oops')\n")

    async def story(controller: Any, _: Any) -> None:
        info = controller.joins[0].info
        assert "ValueError: oops" in info.problem
        assert str(script) in info.problem
        assert info.work_dir == str(tmp_path)
        assert await controller.result(controller.ask(Kind.PULL, ["a", "b", "where"])) == [1, 2, str(script)]
        assert await controller.call(lambda: __import__("os").environ["FOR_THE_TEST"]) == "yes"

    play(
        story,
        startup_script=str(script),
        startup_command="b = a + 1",
        work_dir=str(tmp_path),
        environment={"FOR_THE_TEST": "yes"},
        instance=new_instance().hex(),
    )


def test_a_connection_file_that_is_none_is_refused_soon(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        controller.file.write_text("{}")
        assert await engine.exit_code() == 255
        assert "has no 'url'" in engine.log.read_text()

    play(story, opened=False, join=False)


def test_an_engine_whose_c_code_holds_the_interpreter_lives(play: Any) -> None:
    def hold() -> int:
        import ctypes

        return int(ctypes.PyDLL(None).usleep(900_000))

    async def story(controller: Any, _: Any) -> None:
        held = controller.apply(hold)
        body = controller.apply(len, b"x" * 32 * 1024 * 1024)
        assert await controller.result(held) == 0
        assert await controller.result(body) == 32 * 1024 * 1024
        assert not controller.closed

    play(story)


def test_nothing_is_read_from_the_terminal(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        with pytest.raises(EOFError):
            await controller.call(input)

    play(story)


def test_the_stacks_of_a_stuck_engine_can_be_seen(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        controller.ask(Kind.EXECUTE, {"code": "def stuck():\n    print('stuck')\n    while True: pass\nstuck()"})
        await controller.until(lambda: controller.of(Output))
        engine.signal(signal.SIGUSR1)
        await engine.logged("in stuck")

    play(story)


@pytest.mark.parametrize("code", ["os.write(2, b'no licence'); os.abort()", "print('no licence'); os._exit(3)"])
def test_what_an_engine_of_nobody_wrote_last_is_in_its_log(play: Any, code: str) -> None:
    async def story(controller: Any, engine: Any) -> None:
        controller.ask(Kind.EXECUTE, {"code": f"import os\n{code}"})
        await engine.exit_code()
        await engine.logged("wrote last:")
        await engine.logged("no licence")

    play(story)


def test_an_engine_that_ends_in_good_order_leaves_no_last_words(play: Any) -> None:
    async def story(controller: Any, engine: Any) -> None:
        await controller.call(lambda: print("said"))
        controller.connection.send(Shutdown(reason="enough"))
        assert await engine.exit_code() == 0
        assert "wrote last" not in engine.log.read_text()

    play(story)
