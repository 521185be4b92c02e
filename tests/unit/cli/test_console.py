"""The console's prompt: which cells go on, what completes a name, and what leaves it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from engineroom.cli.console.choosing import WrongArgument, engine_number
from engineroom.cli.console.keyboard import Keyboard, Names, how_it_goes_on
from engineroom.cli.console.leaving import without_exit

GOES_ON = {
    "x = 1": None,
    "for i in x:": "    ",
    "for i in x:\n    print(i)": "    ",
    "for i in x:\n    print(i)\n    ": None,
    "if x:\n    if y:": "        ",
    "f(1,": "",
    "f(1,\n2)": None,
    "%time x": None,
    "%%time": "",
    "%%time\nx = 1\n\n": None,
    "!ls": None,
    "'''": "",
    "x = ]": None,
}


@pytest.mark.parametrize(("text", "indent"), GOES_ON.items())
def test_which_cells_go_on(text: str, indent: str | None) -> None:
    assert how_it_goes_on(text, TransformerManager()) == indent  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("word", ["exit", "quit", "exit()", "quit()"])
def test_the_words_that_leave_never_reach_the_engine(word: str) -> None:
    assert without_exit(word) == ("", True)
    assert without_exit(f"x = 1\n{word}\n\n") == ("x = 1", True)
    assert without_exit(f"if x:\n    {word}") == (f"if x:\n    {word}", False)
    assert without_exit(f"{word}_code") == (f"{word}_code", False)


@pytest.mark.parametrize("argument", ["", "abc", "1.5", "0x1", "²", "1,2"])
def test_an_argument_that_names_no_engine(argument: str) -> None:
    with pytest.raises(WrongArgument, match="expected the id of an engine"):
        engine_number(argument)
    assert engine_number("12") == 12


def typed(keys: str, history: Path) -> list[str]:
    """Return the cells that come of typing `keys`, up to Ctrl-D; "^C" where one was given up."""
    cells: list[str] = []
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        keyboard.send_text(keys + "\x04")
        reader = Keyboard("engine 0", lambda line, cursor: [], history)
        while True:
            try:
                cells.append(reader.read())
            except KeyboardInterrupt:
                cells.append("^C")
            except EOFError:
                return cells


def test_cells_as_they_are_typed(tmp_path: Path) -> None:
    keys = "x = 1\rfor i in x:\rprint(i)\r\rhalf\x03f(1,\r2)\r"
    assert typed(keys, tmp_path / "history") == ["x = 1", "for i in x:\n    print(i)\n    ", "^C", "f(1,\n2)"]


@pytest.mark.parametrize(("text", "replaced"), [("x = abc", "abc"), ("first\nabc", "abc"), ("   ", None)])
def test_a_name_is_completed_in_its_line(text: str, replaced: str | None) -> None:
    names = Names(lambda line, cursor: [(line.index("abc"), "abcdef")])
    found = list(names.get_completions(Document(text), CompleteEvent()))
    wanted = [] if replaced is None else [("abcdef", -len(replaced))]
    assert [(each.text, each.start_position) for each in found] == wanted


def test_tab_indents_an_empty_line(tmp_path: Path) -> None:
    assert typed("\tx\r", tmp_path / "history") == ["    x"]


def test_history_is_private_and_there_the_next_time(tmp_path: Path) -> None:
    history = tmp_path / "history"
    typed("secret = 1\r", history)
    assert history.stat().st_mode & 0o777 == 0o600
    assert typed("\x1b[A\r", history) == ["secret = 1"]


def test_no_history_where_it_cannot_be_written(tmp_path: Path) -> None:
    nowhere = tmp_path / "missing" / "history"
    assert typed("x\r", nowhere) == ["x"]
    elsewhere: Any = tmp_path / "link"
    os.symlink(tmp_path / "target", elsewhere)
    assert typed("x\r", elsewhere) == ["x"]
    assert not (tmp_path / "target").exists()
