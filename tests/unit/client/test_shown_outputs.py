"""Outputs of tasks where the user is: while they run, and once they have ended; each once, with its engines."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.client.showing.screens import Screen
from engineroom.protocol.messages import Displays
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController
from tests.unit.client.speaking import Speaking


@pytest.fixture
def speaking(fake: FakeController, rc: Client, session: Session) -> Speaking:
    return Speaking(fake, rc, session)


def plain(text: str) -> dict[str, Any]:
    return {"data": {"text/plain": text}, "metadata": {}, "transient": {}}


def shown(speaking: Speaking, capsys: pytest.CaptureFixture[str], **how: Any) -> str:
    speaking.end()
    speaking.result.display_outputs(**how)
    said = capsys.readouterr()
    assert not said.err
    return said.out


def test_identical_outputs_are_shown_once_and_different_ones_apart(
    speaking: Speaking, capsys: pytest.CaptureFixture[str]
) -> None:
    for which in (0, 1):
        speaking.text(which, "alike\n")
    assert shown(speaking, capsys) == "[stdout:0-1] alike\n"
    assert shown(speaking, capsys, fold=False) == "[stdout:0] alike\n[stdout:1] alike\n"


def test_outputs_come_by_type_by_engine_or_in_order(speaking: Speaking, capsys: pytest.CaptureFixture[str]) -> None:
    for which in (0, 1):
        speaking.text(which, "before\n")
        speaking.show(which, Displays.SHOW, **plain(f"figure {which}"))
        speaking.text(which, "after\n")
        speaking.show(which, Displays.RESULT, **plain("42"), execution_count=3 + which)
    by_type = "[stdout:0-1]\nbefore\nafter\n[display:0] figure 0\n[display:1] figure 1\nOut[0-1]: 42\n"
    in_order = "[stdout:0-1] before\n[display:0] figure 0\n[display:1] figure 1\n[stdout:0-1] after\nOut[0-1]: 42\n"
    by_engine = "".join(
        f"[stdout:{n}] before\n[display:{n}] figure {n}\n[stdout:{n}] after\nOut[{n}:{3 + n}]: 42\n" for n in (0, 1)
    )
    assert shown(speaking, capsys) == by_type
    assert shown(speaking, capsys, groupby="order") == in_order
    assert shown(speaking, capsys, groupby="engine") == by_engine
    assert shown(speaking, capsys, result_only=True) == "Out[0-1]: 42\n"


def test_bars_are_shown_in_their_last_state_and_the_terminal_is_left_alone(
    speaking: Speaking, capsys: pytest.CaptureFixture[str]
) -> None:
    speaking.text(0, "\r 10%\r100%\n\x1b[2J\x1b[31mred\x1b[0m \x07bell \udcff".encode("utf-8", "replace").decode())
    assert shown(speaking, capsys) == "[stdout:0]\n100%\nred bell ?\n"


class Terminal(io.StringIO):
    encoding = "ascii"

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        text.encode("ascii")
        return super().write(text)


def test_a_terminal_has_colours_that_end_and_characters_that_it_lacks_are_spelled(
    speaking: Speaking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    speaking.text(1, "\x1b[31mréd\n")
    speaking.end()
    speaking.result.display_outputs()
    assert sys.stdout.getvalue() == "[stdout:1] \x1b[31mr\\xe9d\x1b[0m\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize("closed", [None, io.StringIO()])
def test_nobody_reads_what_goes_nowhere(speaking: Speaking, monkeypatch: pytest.MonkeyPatch, closed: Any) -> None:
    if closed is not None:
        closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    speaking.text(0, "unheard\n")
    speaking.end()
    speaking.result.display_outputs()


def test_while_tasks_run_their_output_is_shown(speaking: Speaking, capsys: pytest.CaptureFixture[str]) -> None:
    said = ""

    def has_said(text: str) -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return text in said

    with speaking.result.stream_output():
        speaking.text(0, "alone\n")
        assert wait_until(lambda: has_said("[stdout:0] alone\n"))
        for which in (0, 1):
            speaking.text(which, "together\n")
        assert wait_until(lambda: has_said("[stdout:0-1] together\n"))
        speaking.text(1, "no end")
        speaking.end()
        speaking.result.wait(SECONDS)
    assert has_said("[stdout:1] no end\n")


def test_what_is_shown_ends_with_the_block(speaking: Speaking, capsys: pytest.CaptureFixture[str]) -> None:
    def leave() -> None:
        with speaking.result.stream_output():
            raise KeyboardInterrupt

    speaking.text(0, "first\n")
    speaking.has_heard(0, "first")
    with pytest.raises(KeyboardInterrupt):
        leave()
    speaking.text(0, "second\n")
    speaking.has_heard(0, "second")
    assert capsys.readouterr().out == "[stdout:0] first\n"


def test_a_task_that_runs_again_says_so(speaking: Speaking, capsys: pytest.CaptureFixture[str]) -> None:
    with speaking.result.stream_output():
        speaking.text(0, "first\n")
        speaking.has_heard(0, "first")
        speaking.attempt, speaking.seq = 2, [0, 0]
        speaking.text(0, "second\n")
        speaking.end()
        speaking.result.wait(SECONDS)
    said = capsys.readouterr()
    assert said.out == "[stdout:0] first\n[stdout:0] second\n"
    assert said.err == "[0] the task runs again: what it has written so far is void\n"


def test_a_screen_of_plain_python_shows_text_of_objects(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    screen.show("0", plain("one line"))
    screen.show("0-3", plain("two\nlines"))
    screen.show("1", {"data": {"image/png": "..."}, "metadata": {}, "transient": {}})
    screen.value("0:7", plain("42"))
    screen.clear(wait=False)
    screen.update("0", plain("x"))
    screen.unfinished("0", "10%")
    assert capsys.readouterr().out == "[display:0] one line\n[display:0-3]\ntwo\nlines\nOut[0:7]: 42\n"
