"""Running cells on an engine, with their output as it comes."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engineroom.cli.console.completing import matches
from engineroom.client.state.watchers import Kind, Piece
from engineroom.errors import EngineroomError, RemoteError

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.state.watchers import Pieces

_SOON = 1.0
"""Seconds after which a cell that has not started says what it waits for."""

_GRACE = 2.0
"""Seconds that a cell has to end once it is interrupted."""

_COMPLETION = 1.0
"""Seconds that the engine has to answer what a name may become."""


class Cells:
    """Runs cells on engine `engine` of a client."""

    def __init__(self, client: Client, engine: int) -> None:
        self.engine = engine
        self._session = client._session
        self._view = client.direct_view(engine)

    def run(self, code: str) -> bool:
        """Run a cell and show what it shows; return whether it has succeeded. Ctrl-C interrupts it."""
        try:
            result: AsyncResult[Any] = self._view.execute(code, silent=False, block=False)
        except (EngineroomError, IndexError) as gone:  # the engine has left
            _say(f"{type(gone).__name__}: {gone}")
            return False
        with self._session.watch(result._tasks) as pieces:
            try:
                shown = self._show(result, pieces)
            except KeyboardInterrupt:
                shown = self._interrupt(result, pieces)
        if not result.done():
            return False
        error = result.exception(0)
        if error is not None and not shown:
            _say(_words(error))
        return error is None

    def matches(self, line: str, cursor: int) -> list[tuple[int, str]]:
        """Return what may stand before the cursor, and from where on; nothing while the engine is busy."""
        with suppress(Exception):  # no completion is worth an error at the prompt
            result = self._view.apply_async(matches, line, cursor)
            if result.wait(_COMPLETION):
                return result.get()
            result.abort()
        return []

    def _show(self, result: AsyncResult[Any], pieces: Pieces) -> bool:
        """Show what comes until the end; return whether an error was among it."""
        shown = False
        for piece in pieces.until(timeout=_SOON):
            shown |= self._show_piece(piece)
        if not result.done() and not any(task.started for task in result._tasks):
            _say(f"engine {self.engine} is busy: the cell waits for its turn (Ctrl-C withdraws it)")
        for piece in pieces.until():
            shown |= self._show_piece(piece)
        return shown

    def _interrupt(self, result: AsyncResult[Any], pieces: Pieces) -> bool:
        """Interrupt a cell, and wait until that has an effect, or for a second Ctrl-C."""
        shown = False
        with suppress(KeyboardInterrupt):
            print()  # after the ^C that the terminal shows
            result.abort()
            for piece in pieces.until(timeout=_GRACE):
                shown |= self._show_piece(piece)
            if not result.done():
                _say(f"engine {self.engine} has not stopped yet. Press Ctrl-C again to leave the cell running there")
            for piece in pieces.until():
                shown |= self._show_piece(piece)
            return shown
        _say(f"the cell still runs on engine {self.engine}; later ones wait for it")
        return True

    def _show_piece(self, piece: Piece) -> bool:
        """Show a piece of output; return whether it is the error that ended the cell."""
        content = piece.content
        match piece.kind:
            case Kind.STDOUT | Kind.STDERR:
                _write(sys.stderr if piece.kind is Kind.STDERR else sys.stdout, content)
            case Kind.SHOW | Kind.UPDATE:
                _write(sys.stdout, _plain(content) + "\n")
            case Kind.RESULT:
                text = _plain(content)
                between = "\n" if "\n" in text else ""
                _write(sys.stdout, f"Out[{self.engine}:{content.get('execution_count', 0)}]: {between}{text}\n")
            case Kind.CLEAR if sys.stdout.isatty():
                _write(sys.stdout, "\033[2K\r")
            case Kind.ERROR:
                _write(sys.stdout, "\n".join(content["traceback"]).rstrip() + "\n")
                return True
            case _:  # it begins again, or there is no line to be cleared
                pass
        return False


def _plain(content: dict[str, Any]) -> str:
    data = content["data"]
    return str(data.get("text/plain", f"<{', '.join(data)}>"))


def _words(error: BaseException) -> str:
    """Return an error that no output has told: of the engine, say, not of the cell."""
    return str(error) if isinstance(error, RemoteError) else f"{type(error).__name__}: {error}"


def _write(stream: Any, text: str) -> None:
    stream.write(text)
    stream.flush()


def _say(words: str) -> None:
    sys.stdout.flush()
    print(words, file=sys.stderr, flush=True)
