"""Where outputs are shown: with `print` on terminals and in files, with IPython's displays where it runs."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, TextIO

from engineroom.client.progress.audience import shell
from engineroom.client.progress.screen import aside
from engineroom.client.showing.terminal_text import coloured
from engineroom.client.showing.unfinished import UnfinishedLine, is_kernel
from engineroom.machine.standard_streams import UNUSABLE, is_terminal, write

_PLAIN = "text/plain"


class Screen:
    """Shows text and displayed objects in this thread; plain Python has text only.

    What stays is written to `sys.stdout` and `sys.stderr`, whatever these are at the time.
    """

    takes_away = False
    """Whether `clear` takes away all that the cell has shown."""

    def __init__(self) -> None:
        self._line: UnfinishedLine | None = None
        """A line that does not stay."""

    def write(self, stream: str, text: str) -> None:
        """Write `text`, as it is, to "stdout" or "stderr"."""
        self.end_line()
        where = sys.stderr if stream == "stderr" else sys.stdout
        text = coloured(text, colours=_has_colours(where))
        with aside(), contextlib.suppress(*UNUSABLE):  # nobody reads it; the tasks go on
            _write(where, text)

    def show(self, label: str, content: dict[str, Any]) -> None:
        """Show an object, given by its MIME types."""
        plain = str(content["data"].get(_PLAIN, ""))
        if plain:
            between = "\n" if "\n" in plain else " "
            self.write("stdout", f"[display:{label}]{between}{plain}\n")

    def update(self, label: str, content: dict[str, Any]) -> None:
        """Show an object in place of those with the same display id; where nothing can be replaced, nowhere."""

    def clear(self, *, wait: bool) -> None:
        """Take away what was shown; if `wait`, once something else comes. Where nothing can be, nothing is."""

    def value(self, label: str, content: dict[str, Any]) -> None:
        """Show the value of a cell; `label`: "0-3:7", with the number of the cell."""
        plain = str(content["data"].get(_PLAIN, ""))
        if plain:
            self.write("stdout", f"{prompt(label)}{plain}\n")

    def unfinished(self, label: str, text: str) -> None:
        """Show a line for now, if lines can be written anew here."""
        if self._line is None:
            self._line = UnfinishedLine(sys.stdout)
        self._line.show(f"[{label}] {text}")

    def end_line(self) -> None:
        """Take away the line that was shown for now."""
        if self._line is not None:
            self._line.clear()
            self._line = None


class IPythonScreen(Screen):
    """Shows objects as this IPython, or notebook, shows them."""

    def __init__(self, publisher: Any) -> None:
        super().__init__()
        self._publisher = publisher
        self.takes_away = hasattr(publisher, "pub_socket")  # of a notebook; a terminal can't

    def show(self, label: str, content: dict[str, Any]) -> None:
        """Show an object, after a line that says where it comes from."""
        will_be_updated = self.takes_away and (content.get("transient") or {}).get("display_id") is not None
        if _is_rich(content["data"]) or will_be_updated:
            self.write("stdout", f"[output:{label}]\n")
            self._publish(content)
        else:
            super().show(label, content)

    def update(self, label: str, content: dict[str, Any]) -> None:
        """Show an object in place of those with the same display id."""
        del label
        self._publish(content, update=True)

    def clear(self, *, wait: bool) -> None:
        """Take away what the cell has shown; if `wait`, once something else comes."""
        self.end_line()
        self._publisher.clear_output(wait=wait)

    def value(self, label: str, content: dict[str, Any]) -> None:
        """Show the value of a cell, with its prompt."""
        data = content["data"]
        if not _is_rich(data):
            super().value(label, content)
            return
        self.write("stdout", f"{prompt(label)}\n")
        self._publish(content)

    def _publish(self, content: dict[str, Any], *, update: bool = False) -> None:
        self.end_line()
        _flush()  # text and objects go different ways to a notebook
        self._publisher.publish(
            content["data"], content.get("metadata") or {}, transient=content.get("transient") or {}, update=update
        )


def screen_here() -> Screen:
    """Return the screen of this process."""
    publisher = getattr(shell(), "display_pub", None)
    return Screen() if publisher is None else IPythonScreen(publisher)


def prompt(label: str) -> str:
    """Return what stands before the value of a cell."""
    return f"Out[{label}]: "


def _is_rich(data: dict[str, Any]) -> bool:
    return any(name != _PLAIN for name in data)


def _has_colours(stream: TextIO | None) -> bool:
    return is_terminal(stream) or is_kernel(stream)


def _write(stream: TextIO | None, text: str) -> None:
    """Write `text`; characters that the stream has no code for are spelled out."""
    try:
        write(stream, text)
    except UnicodeEncodeError as error:
        write(stream, text.encode(error.encoding, "backslashreplace").decode(error.encoding))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(*UNUSABLE):
            stream.flush()
