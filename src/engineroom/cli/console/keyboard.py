"""Cells as they are typed at a terminal: lines that go on, history, completion."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, ThreadedCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import completion_is_selected
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.shortcuts import CompleteStyle

Matches = Callable[[str, int], Iterable[tuple[int, str]]]
"""Takes a line and the place of the cursor; returns what may stand before that, and from where on."""


class Keyboard:
    """Reads cells from a terminal. `name`: in the prompt; `history`: a private file, made if it can be."""

    def __init__(self, name: str, matches: Matches, history: Path, **terminal: Any) -> None:
        """`terminal`: an `input` and an `output` of prompt_toolkit's, in place of the process's own."""
        prompt = f"In [{name}]: "
        self._session: PromptSession[str] = PromptSession(
            prompt,
            multiline=True,
            prompt_continuation=lambda width, *_: "...: ".rjust(width),
            key_bindings=_keys(TransformerManager()),  # type: ignore[no-untyped-call]  # all of IPython is
            completer=ThreadedCompleter(Names(matches)),
            complete_while_typing=False,
            complete_style=CompleteStyle.MULTI_COLUMN,
            history=_history(history),
            **terminal,
        )

    def read(self) -> str:
        """Return the next cell. KeyboardInterrupt: Ctrl-C; EOFError: Ctrl-D on an empty line."""
        return self._session.prompt()


class Names(Completer):
    """Completes the line that the cursor is in."""

    def __init__(self, matches: Matches) -> None:
        self._matches = matches

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        del complete_event
        line, cursor = document.current_line, document.cursor_position_col
        if not line[:cursor].strip():
            return
        for start, text in self._matches(line, cursor):
            yield Completion(text, start_position=start - cursor)


def _keys(transformer: TransformerManager) -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~completion_is_selected)
    def enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        goes_on = how_it_goes_on(buffer.text, transformer) if not buffer.document.text_after_cursor.strip() else ""
        if goes_on is None:
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + goes_on)

    @keys.add("tab", filter=~completion_is_selected)
    def tab(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.current_line_before_cursor.strip():
            buffer.start_completion(insert_common_part=True)
        else:
            buffer.insert_text("    ")

    return keys


def how_it_goes_on(text: str, transformer: TransformerManager) -> str | None:
    """Return how far the next line of an incomplete cell is indented; None: the cell is complete."""
    *before, last = text.split("\n")
    if before and not last.strip():  # an empty line ends a block
        text = "\n".join([*before, ""])
    status, indent = transformer.check_complete(text)
    if status != "incomplete" or (before and not last.strip() and not before[-1].strip()):
        return None
    return " " * (indent or 0)


def _history(path: Path) -> History:
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        return FileHistory(str(path))
    return InMemoryHistory()  # a directory that can't be written
