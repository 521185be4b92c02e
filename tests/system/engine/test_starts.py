"""What an engine runs when it starts, and how a cell ends one."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from engineroom.protocol.messages import Kind

LOADED = "'IPython' in __import__('sys').modules"


@pytest.mark.parametrize("code", ["exit", "exit()", "quit", "if True:\n    quit()\nprint('all of it ran')"])
def test_a_cell_that_says_exit_ends_its_engine(play: Any, code: str) -> None:
    async def story(controller: Any, engine: Any) -> None:
        task = controller.ask(Kind.EXECUTE, {"code": code})
        await controller.result(task)
        assert await engine.exit_code() == 0
        await controller.until(lambda: controller.closed == ["exit"])
        assert controller.written(task) == ("all of it ran\n" if "print" in code else "")

    play(story)


def test_a_function_that_exits_fails_and_its_engine_lives(play: Any) -> None:
    async def story(controller: Any, _: Any) -> None:
        for code in ("import sys; sys.exit(3)", "raise SystemExit"):
            with pytest.raises(Exception, match="SystemExit"):
                await controller.result(controller.ask(Kind.EXECUTE, {"code": code}))
        assert await controller.call(lambda: 7) == 7

    play(story)


def test_pythonstartup_runs_without_ipython(play: Any, tmp_path: Path) -> None:
    (tmp_path / "rc.py").write_text("from math import pi\nwhere = __file__\n")

    async def story(controller: Any, _: Any) -> None:
        assert await controller.result(controller.ask(Kind.PULL, "round(pi)")) == 3
        assert await controller.result(controller.ask(Kind.PULL, "where")) == str(tmp_path / "rc.py")
        assert not await controller.result(controller.ask(Kind.PULL, LOADED))

    play(story, environment={"PYTHONSTARTUP": str(tmp_path / "rc.py")})
    play(story_of_nothing, environment={"PYTHONSTARTUP": str(tmp_path / "none.py")})


async def story_of_nothing(controller: Any, _: Any) -> None:
    """Find that the engine is there, and says what was wrong."""
    assert "none.py: FileNotFoundError" in controller.joins[0].info.problem


def test_start_up_files_of_ipython_run_in_their_order(play: Any, tmp_path: Path) -> None:
    startup = tmp_path / "profile" / "startup"
    startup.mkdir(parents=True)
    (startup / "README").write_text("not a program")
    (startup / "10-first.py").write_text("said = [get_ipython().ev('1 + 1')]\n")
    (startup / "20-second.ipy").write_text("%env ENGINEROOM_STARTED=yes\nsaid.append(2)\n")
    (startup / "30-third.py").write_text("1 / 0\n")
    (startup / "40-last.py").write_text("said.append(4)\n")

    async def story(controller: Any, _: Any) -> None:
        assert await controller.result(controller.ask(Kind.PULL, "said")) == [2, 2, 4]
        assert await controller.result(controller.ask(Kind.PULL, "__import__('os').environ['ENGINEROOM_STARTED']"))
        assert "30-third.py: ZeroDivisionError" in controller.joins[0].info.problem
        await controller.result(controller.ask(Kind.CLEAR, None))

    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        play(story, profile_dir=str(startup.parent))


def test_without_start_up_files_ipython_is_not_loaded(play: Any, tmp_path: Path) -> None:
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup" / "README").write_text("")

    async def story(controller: Any, _: Any) -> None:
        assert not await controller.result(controller.ask(Kind.PULL, LOADED))

    play(story, profile_dir=str(tmp_path))


def test_options_of_ipython(play: Any, tmp_path: Path) -> None:
    (tmp_path / "more.py").write_text("more = line + 1\n")
    options = {
        "InteractiveShell": {"ast_node_interactivity": "last_expr_or_assign"},
        "InteractiveShellApp": {
            "exec_lines": ["line = 4", "%env ENGINEROOM_LINE=5", "nonsense"],
            "exec_files": [str(tmp_path / "more.py")],
            "extensions": ["autoreload"],
            "code_to_run": "last = more",
        },
    }

    async def story(controller: Any, engine: Any) -> None:
        wanted = ["line", "more", "last", "get_ipython().find_line_magic('autoreload') is not None"]
        assert await controller.result(controller.ask(Kind.PULL, wanted)) == [4, 5, 5, True]
        assert "exec_lines nonsense: NameError" in controller.joins[0].info.problem
        reply = await controller.result(controller.ask(Kind.EXECUTE, {"code": "x = 8"}))
        assert reply.data["text/plain"] == "8"
        engine.signal(signal.SIGTERM)

    play(story, ipython=options)
