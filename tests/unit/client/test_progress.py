"""How progress looks: on a terminal, in a notebook, and where it is written line by line."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from engineroom.client.progress import audience, notebook, shown
from engineroom.client.progress.audience import say, silenced, somebody_looks
from engineroom.client.progress.lines import Lines
from engineroom.client.progress.notebook import Notebook, as_html
from engineroom.client.progress.screen import aside
from engineroom.client.progress.shown import Shown
from engineroom.client.progress.standing import Counts, Standing, duration
from engineroom.client.progress.terminal import Terminal

HALF = Standing(Counts(37, 100, "items", "map:f"), "4 run on engines 0-3", 10.0)
DONE = Standing(Counts(100, 100, "items", "map:f", failed=2), "", 27.0)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


class Screen:
    """What a terminal of `width` columns shows of what is written to it."""

    def __init__(self, width: int = 100) -> None:
        self.stream = Tty()
        self.console = Console(
            file=self.stream, force_terminal=True, width=width, color_system=None, legacy_windows=False, _environ={}
        )

    @property
    def rows(self) -> list[str]:
        rows, row, column = [""], 0, 0
        for part in re.findall(r"\x1b\[(\d*)([AKJ])|([^\x1b])", self.stream.getvalue()):
            count, order, character = part
            if order == "A":
                row -= int(count or 1)
            elif order:
                rows[row] = rows[row][:column]
                if order == "J":
                    del rows[row + 1 :]
            elif character == "\r":
                column = 0
            elif character == "\n":
                row, column = row + 1, 0
                rows += [""] * (row + 1 - len(rows))
            else:
                rows[row] = rows[row].ljust(column)[:column] + character + rows[row][column + 1 :]
                column += 1
        return rows


def test_on_a_terminal_a_bar_is_written_over_with_what_goes_on_below_it() -> None:
    screen = Screen()
    terminal = Terminal(screen.stream, lasting=False, console=screen.console)
    terminal.show(HALF)
    first, second = screen.rows
    assert re.fullmatch(r"map:f [━╸╺ ]+ 37/100 items 10 s, about 17 s left *", first)
    assert second.rstrip() == "  4 run on engines 0-3"
    terminal.show(HALF._replace(words=""))
    assert len(screen.rows) == 1
    terminal.end(DONE)
    assert screen.rows == [""]


def test_a_bar_that_was_asked_for_stays_in_its_last_state() -> None:
    screen = Screen()
    terminal = Terminal(screen.stream, lasting=True, console=screen.console)
    terminal.show(HALF)
    terminal.end(DONE._replace(over=True))
    assert re.fullmatch(r"map:f ━+ 100/100 items 27 s, 2 failed *", screen.rows[0])
    assert screen.rows[1:] == [""]


@given(st.integers(1, 300), st.integers(0, 10**9), st.text(max_size=300), st.text(max_size=300))
def test_no_row_is_longer_than_the_terminal_is_wide(width: int, done: int, name: str, words: str) -> None:
    screen = Screen(width)
    terminal = Terminal(screen.stream, lasting=False, console=screen.console)
    terminal.show(Standing(Counts(done, 10**9, "items", name), words, 1e5))
    text = screen.stream.getvalue()
    rows = re.sub(r"\x1b\[\d*[AKJ]|\r", "", text).split("\n")
    assert len(rows) <= 2
    terminal.end(DONE)
    plain = [re.sub(r"\x1b\[\d*m", "", row) for row in rows]
    assert all(cell_len(row) <= max(1, width - 1) for row in plain)
    assert not any("\x1b" in row for row in plain)


def test_whoever_writes_finds_the_screen_free_and_the_bar_comes_back() -> None:
    screen = Screen()
    terminal = Terminal(screen.stream, lasting=False, console=screen.console)
    terminal.show(HALF)
    with aside():
        screen.stream.write("hello\n")
    assert screen.rows == ["hello", ""]
    terminal.show(HALF)
    assert [row.partition(" ")[0] for row in screen.rows] == ["hello", "map:f", ""]
    terminal.end(DONE)


def test_one_thing_at_a_time_is_on_the_screen() -> None:
    screen = Screen()
    one, other = (Terminal(screen.stream, lasting=False, console=screen.console) for _ in range(2))
    one.show(HALF)
    other.show(HALF._replace(counts=Counts(1, 2, name="other")))
    assert "other" not in screen.stream.getvalue()
    one.end(DONE)
    other.show(HALF._replace(counts=Counts(1, 2, name="other")))
    assert screen.rows[0].startswith("other")
    other.end(DONE)


def test_without_a_terminal_lines_come_the_more_seldom_the_longer_it_lasts() -> None:
    stream, now = io.StringIO(), 0.0
    lines = Lines(stream, lasting=True, clock=lambda: now)
    for step in range(10_000):
        now = step / 5
        lines.show(Standing(Counts(step, 10_000, "items", "map:f"), "", now))
    lines.end(Standing(Counts(10_000, 10_000, "items", "map:f"), "", now, over=True))
    said = stream.getvalue().splitlines()
    assert said[0] == "map:f: 0 of 10,000 items done after 0.0 s"
    assert said[1] == "map:f: 5 of 10,000 items done after 1.0 s"
    assert said[-1] == "map:f: 10,000 of 10,000 items done after 33:20 min"
    assert 40 < len(said) < 100


def test_what_stands_still_is_seldom_said_again() -> None:
    stream, now = io.StringIO(), 0.0
    lines = Lines(stream, lasting=False, clock=lambda: now)
    for step in range(300):
        now = step / 5
        lines.show(Standing(Counts(0, 4, "engines", "waiting for engines"), "set 1: queued", now))
    assert 3 < len(stream.getvalue().splitlines()) < 8


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, str]]]:
    """Return what a pretended notebook shows: the states of each display."""
    found: list[list[dict[str, str]]] = []

    class Handle:
        def __init__(self, bundle: dict[str, str]) -> None:
            self.states = [bundle]
            found.append(self.states)

        def update(self, bundle: dict[str, str], *, raw: bool) -> None:
            assert raw
            self.states.append(bundle)

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        return Handle(bundle)

    monkeypatch.setattr("IPython.display.display", display)
    notebook._spare.clear()
    return found


def test_in_a_notebook_one_display_is_updated_and_its_last_state_can_be_read(
    displayed: list[list[dict[str, str]]],
) -> None:
    display = Notebook(lasting=True)
    display.show(HALF)
    display.show(HALF)
    display.end(DONE)
    [[first, last]] = displayed
    assert "width:37.0%" in first["text/html"]
    assert last["text/plain"] == "map:f: 100 of 100 items done after 27 s, 2 failed"
    assert "100/100 items" in last["text/html"]


def test_a_display_that_stays_takes_the_place_of_one_that_need_not(displayed: list[list[dict[str, str]]]) -> None:
    for lasting in (False, True, True):
        display = Notebook(lasting=lasting)
        display.show(HALF)
        display.end(DONE)
    assert [len(states) for states in displayed] == [4, 2]


def test_waits_of_one_cell_that_nobody_asked_to_see_share_a_display(
    displayed: list[list[dict[str, str]]],
) -> None:
    for _ in range(3):
        display = Notebook(lasting=False)
        display.show(HALF)
        display.end(DONE)
    assert len(displayed) == 1
    display = Notebook(lasting=False, cell="the next cell")
    display.show(HALF)
    display.end(DONE)
    assert len(displayed) == 2


@given(st.text(), st.text())
def test_no_name_and_no_reason_becomes_markup(name: str, words: str) -> None:
    shown = as_html(Standing(Counts(1, 3, "items", name), words, 1.0))
    plain = as_html(Standing(Counts(1, 3, "items", "x"), "x" * bool(words), 1.0))
    assert shown.count("<") == plain.count("<")


def test_a_display_that_fails_is_given_up_and_the_wait_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(**_: object) -> Any:
        raise RuntimeError("no front end")

    monkeypatch.setattr(shown, "display_here", fails)
    progress = Shown()
    for _ in range(3):
        progress.show(HALF)
    progress.clear()
    progress.end(DONE)
    assert caplog.text.count("the progress cannot be shown") == 1


@pytest.mark.parametrize(
    ("stream", "widget", "kind"),
    [(Tty, None, "Terminal"), (io.StringIO, None, "Lines"), (Tty, True, "Terminal"), (io.StringIO, False, "Lines")],
)
def test_the_way_to_show_it_fits_where_the_user_is(
    stream: Callable[[], Any], widget: bool | None, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(audience, "shell", lambda: None)
    monkeypatch.setattr(sys, "stderr", stream())
    assert type(shown.display_here(lasting=False, widget=widget)).__name__ == kind


def test_nothing_is_shown_if_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Tty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.delenv("IPP_NONINTERACTIVE", raising=False)
    assert somebody_looks()
    monkeypatch.setenv("IPP_NONINTERACTIVE", "1")
    assert not somebody_looks()
    assert silenced()
    progress = Shown(lasting=True)
    progress.show(HALF)
    progress.end(DONE)
    assert terminal.getvalue() == ""


def test_what_is_said_takes_the_bar_out_of_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen.stream)
    terminal = Terminal(screen.stream, lasting=False, console=screen.console)
    terminal.show(HALF)
    say("all engines have left", shown.log, aloud=True)
    assert screen.rows == ["engineroom: all engines have left", ""]
    terminal.end(DONE)


@given(st.floats(0, 1e7))
def test_durations_are_short(seconds: float) -> None:
    assert len(duration(seconds)) < 13


def test_when_engines_come_is_not_estimated() -> None:
    assert Standing(Counts(2, 3, "engines"), "", 60.0).times == "1:00 min"


def test_what_runs_side_by_side_is_not_estimated() -> None:
    one_failed_at_once = Counts(1, 4, "tasks", "execute", failed=1, at_once=True)
    assert Standing(one_failed_at_once, "", 10.0).times == "10 s, 1 failed"
    assert Standing(one_failed_at_once._replace(at_once=False), "", 10.0).times == "10 s, about 30 s left, 1 failed"


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1e6), st.booleans())
def test_the_rest_of_the_time_is_only_estimated_from_what_is_done(
    done: int, more: int, seconds: float, over: bool
) -> None:
    times = Standing(Counts(done, done + more), "", seconds, over).times
    assert ("left" in times) <= (done > 0 and seconds >= 2 and not over)
