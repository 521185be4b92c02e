"""What a waiting call shows."""

from __future__ import annotations

import io

import pytest

from engineroom.client.waiting import live_line
from engineroom.client.waiting.live_line import LiveLine, somebody_looks


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _a_usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


def test_on_a_terminal_one_line_changes_and_is_gone_at_the_end() -> None:
    shown = Terminal()
    line = LiveLine(shown)
    line.show("1 of 4 engines")
    line.show("2 of\n  4 engines")
    line.end()
    assert shown.getvalue() == "\r1 of 4 engines\x1b[K\r2 of 4 engines\x1b[K\r\x1b[K"


def test_a_line_is_cut_where_the_terminal_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "11")
    shown = Terminal()
    LiveLine(shown).show("0 of 4 engines; engine set 1: queued")
    assert shown.getvalue() == "\r0 of 4 eng\x1b[K"


def test_elsewhere_there_is_a_line_for_each_change() -> None:
    shown = io.StringIO()
    line = LiveLine(shown)
    for words in ("1 of 4 engines", "1 of 4 engines", "2 of 4 engines"):
        line.show(words)
    line.end()
    assert shown.getvalue() == "1 of 4 engines\n2 of 4 engines\n"


def test_nothing_is_shown_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_line.sys, "stderr", Terminal())
    assert somebody_looks()
    monkeypatch.setenv("IPP_NONINTERACTIVE", "1")
    assert not somebody_looks()
