"""Text as a terminal would have it in the end: a line that was written over has its last state, and nothing moves."""

from __future__ import annotations

import re

_CONTROLS = bytes(code for code in range(32) if code not in b"\n\t") + b"\x7f"
_TOKENS = re.compile(
    r"(\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?)?$)"  # cut off: the rest comes with the next piece
    r"|\x1b\[([0-?]*)[ -/]*([@-~])"  # what moves, erases or colours
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?"  # titles, links, modes
    r"|([\n\r\b])|([\x00-\x08\x0b-\x1f\x7f-\x9f])"
)
_UP = re.compile(r"\x1b\[(\d*)[AF]")
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
RESET = "\x1b[0m"
_WIDEST = 10_000
"""Columns: where a cursor is sent further right, it stays here."""
_FURTHEST = 100
"""Lines that a cursor goes up at most."""
_SILENT = "\x00\x07\x0e\x0f"


def is_plain(text: str) -> bool:
    """Return whether `text` has no control characters but newlines and tabs: quickly, since most text has none."""
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw.translate(None, _CONTROLS)) != len(raw):
        return False
    return len(raw) == len(text) or b"\xc2" not in raw or _TOKENS.search(text) is None


def cleaned(text: str, *, colours: bool = True) -> str:
    """Return `text` as it stands on a terminal in the end; without `colours`, in one."""
    if is_plain(text):
        return text
    screen = Lines()
    screen.feed(text)
    return coloured(screen.take_all(), colours=colours)


def coloured(text: str, *, colours: bool) -> str:
    """Return `text` so that its colours end with it, or without colours."""
    if "\x1b" not in text:
        return text
    if not colours:
        return _COLOUR.sub("", text)
    last = _COLOUR.findall(text)
    if not last or last[-1] in {RESET, "\x1b[m"}:
        return text
    return f"{text[:-1]}{RESET}\n" if text.endswith("\n") else text + RESET


class Lines:
    """The lines that a program has written to a terminal; text comes in pieces, and lines that are settled go.

    A line is settled once the cursor is below it, and below it by more than this program has ever gone up.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._settled: list[str] = []
        self._plain: list[str] = []
        """The last line as long as nothing but text is in it: parts of it."""
        self._lines: list[list[str]] = [[]]
        """The others, cell by cell; a colour stands before the character that it begins with."""
        self._row = self._column = self._highest = 0
        self._colour = ""
        self._unread = ""
        """The begin of a sequence whose rest has not come."""

    def feed(self, text: str) -> None:
        """Take what is written next."""
        if not (self._unread or self._colour or self._lines[0] or len(self._lines) > 1) and is_plain(text):
            self._feed_plain(text)
            return
        if self._plain:
            plain, self._plain = "".join(self._plain), []
            self._put(plain)
        text, self._unread = self._unread + text, ""
        for up in _UP.finditer(text):
            self._highest = max(self._highest, min(int(up[1] or 1), _FURTHEST))
        end = 0
        for token in _TOKENS.finditer(text):
            self._put(text[end : token.start()])
            end = token.end()
            if token[1] is None:
                self._act(token)
            elif len(token[1]) < _WIDEST:
                self._unread = token[1]
        self._put(text[end:])
        self._settle()

    def take(self) -> str:
        """Return, once, the lines that are settled."""
        settled, self._settled = self._settled, []
        return "".join(settled)

    def take_all(self) -> str:
        """Return, once, all there is; the last line may have no newline."""
        text = self.take() + self._rest() + self._colour
        self._start()
        return text

    @property
    def last(self) -> str:
        """The line that is not settled yet, as it stands; of several the last one that has text."""
        return next((line for line in reversed(self._rest().split("\n")) if line.strip()), "")

    @property
    def waits(self) -> bool:
        """Whether there is something that is not settled."""
        return bool(self._plain) or any(self._lines)

    def _rest(self) -> str:
        return "".join(self._plain) or "\n".join(map("".join, self._lines))

    def _feed_plain(self, text: str) -> None:
        whole, newline, rest = text.rpartition("\n")
        if newline:
            self._settled += [*self._plain, whole + newline]
            self._plain.clear()
        if rest:
            self._plain.append(rest)

    def _put(self, text: str) -> None:
        if not text:
            return
        line, column = self._lines[self._row], self._column
        if len(line) < column:
            line.extend(" " * (column - len(line)))
        cells = list(text)
        if self._colour:
            cells[0], self._colour = self._colour + cells[0], ""
        line[column : column + len(cells)] = cells
        self._column += len(cells)

    def _act(self, token: re.Match[str]) -> None:
        _, numbers, command, moves, other = token.groups()
        if command == "m":
            self._colour += token[0]
        elif command is not None:
            self._command(command, int(numbers) if numbers.isdigit() else None)
        elif moves is not None:
            self._move(moves)
        elif other is not None and other not in _SILENT:
            self._put(f"^{chr(ord(other) ^ 64)}" if other < "\x80" else f"\\x{ord(other):02x}")

    def _move(self, moves: str) -> None:
        if moves == "\n":
            line = self._lines[self._row]
            if self._colour and line:
                line[-1] += self._colour
                self._colour = ""
            self._down()
        self._column = max(0, self._column - 1) if moves == "\b" else 0

    def _command(self, command: str, number: int | None) -> None:
        count = min(number or 1, _WIDEST)
        match command:
            case "A" | "F":
                self._up(min(count, _FURTHEST))
            case "B" | "E":
                for _ in range(min(count, _FURTHEST)):
                    self._down()
            case "C":
                self._column = min(self._column + count, _WIDEST)
            case "D":
                self._column = max(0, self._column - count)
            case "K":
                self._erase(number or 0)
            case _:
                pass
        if command in "EFG":
            self._column = count - 1 if command == "G" else 0

    def _erase(self, which: int) -> None:
        line, column = self._lines[self._row], self._column
        if which == 0:
            del line[column:]
        else:
            line[: column if which == 1 else None] = " " * min(column, len(line))

    def _up(self, count: int) -> None:
        self._row = max(0, self._row - count)

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append([])
        if not self._highest:
            self._settle()

    def _settle(self) -> None:
        count = self._row - self._highest
        if count > 0:
            self._settled += ["".join(line) + "\n" for line in self._lines[:count]]
            del self._lines[:count]
            self._row -= count
