"""What a task printed and displayed, collected as it arrives."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Protocol, TypeAlias

from engineroom.client.state.data import Data
from engineroom.protocol.messages import COMMS, Display, Displays, Output
from engineroom.protocol.outputs import updated

LIMIT = 16 * 1024 * 1024
"""Characters of one stream of one task that are kept; the engine cuts sooner."""

DISPLAYS_LIMIT = 1024**3
"""Bytes that are kept of what one task displayed; the engine cuts sooner, too."""

_MISSING = "\n[... output is missing here: the client was disconnected for too long to be sent all of it ...]\n"
_INCOMPLETE = (
    b'{"data":{"text/plain":"[a large display is missing here: this client was disconnected, or did not receive it '
    b'fast enough]"}}'
)
_NO_MORE = b'{"data":{"text/plain":"[further displays were omitted]"}}'
_OMITTED = "\n[further output was omitted]\n"

_DISPLAY_BYTES = 256
"""What a display takes beside its content."""

Part: TypeAlias = tuple[int, str] | Display
"""Text, with 0 for stdout and 1 for stderr, or something displayed."""


class Watcher(Protocol):
    """Somebody who wants to know what a task writes when it arrives. Called in the I/O thread."""

    @property
    def pieces(self) -> object:
        """What tells watchers apart."""

    def put(self, part: Part | None) -> None:
        """Take what is new; None: the task has started again."""


class TaskOutput:
    """The output of one task's last attempt, in order; what is sent a second time counts once.

    `data`: what it has published; None: nothing. `displays_limit`: bytes that are kept of what is displayed.
    """

    __slots__ = (
        "_attempt",
        "_clear",
        "_cleared",
        "_displays_limit",
        "_given_up",
        "_missing",
        "_next",
        "_parts",
        "_pieces",
        "_size",
        "_watchers",
        "data",
    )

    def __init__(self, displays_limit: int = DISPLAYS_LIMIT) -> None:
        self._displays_limit = displays_limit
        self._attempt = -1
        self._watchers: tuple[Watcher, ...] = ()
        self._start()

    def _start(self) -> None:
        self.data: Data | None = None
        self._next = 0
        self._size = [0, 0, 0]
        """Of stdout, of stderr, of what was displayed."""
        self._missing = [False, False]
        """By stream: whether something before its next text may be missing."""
        self._parts: list[Part] = []
        self._pieces: list[Display] = []
        """Of something large that comes in parts, those that are here."""
        self._given_up = -1
        """The number of the first part of the last one of which parts are missing."""
        self._clear: Display | None = None
        """What was said so that what comes next takes away what was displayed before."""
        self._cleared = 0
        """So many parts have no displays any more."""

    @property
    def size(self) -> int:
        """Characters and bytes that are kept of it."""
        return sum(self._size) + (0 if self.data is None else self.data.size)

    @property
    def is_empty(self) -> bool:
        """Whether the task has written and published nothing."""
        return self._attempt < 0

    @property
    def has_parts(self) -> bool:
        """Whether the task has printed or displayed something that is still there."""
        return bool(self._parts)

    @property
    def stdout(self) -> str:
        return "".join([part[1] for part in list(self._parts) if type(part) is tuple and not part[0]])

    @property
    def stderr(self) -> str:
        return "".join([part[1] for part in list(self._parts) if type(part) is tuple and part[0]])

    @property
    def displays(self) -> list[dict[str, Any]]:
        """What is displayed now, as a notebook's file has it: each a dict with its `output_type`.

        "display_data": `data`, `metadata` and `transient`; "execute_result": these, and `execution_count`; "error":
        `ename`, `evalue` and `traceback`, a list of lines.
        """
        if not self._size[2]:
            return []
        return _shown([part for part in list(self._parts) if type(part) is Display])

    def in_order(self) -> list[dict[str, Any]]:
        """Return text and displays as a notebook's file has them: `displays`, and between them "stream" outputs.

        These have `name` ("stdout" or "stderr") and `text`.
        """
        return _shown(list(self._parts))

    def add(self, output: Output | Display) -> bool:
        """Take one piece; False: it is of an earlier attempt, or here already, and was dropped."""
        if output.attempt > self._attempt:
            self._begin(output.attempt)
        if output.attempt < self._attempt:
            return False
        if isinstance(output, Display) and output.kind is Displays.DATA:
            return self._publish(output)
        if output.seq < self._next:
            return False
        if output.seq > self._next:
            self._note_gap()
        self._next = output.seq + 1
        if isinstance(output, Output):
            self._add_text(1 if output.stream == 2 else 0, output.text)
        elif output.kind not in COMMS:  # these are for whoever listens
            self._add_piece(output)
        return True

    def _begin(self, attempt: int) -> None:
        if self._parts:
            self._tell(None)
        self._attempt = attempt
        self._start()

    def watch(self, watcher: Watcher) -> None:
        """Have `watcher` told of all parts: now of those that are here. The session's condition is held."""
        self._watchers += (watcher,)
        for part in self._parts:
            watcher.put(part)
        if self._clear is not None:
            watcher.put(self._clear)

    def unwatch(self, pieces: object) -> None:
        """Tell the watcher with these `pieces` no more. The session's condition is held."""
        self._watchers = tuple(watcher for watcher in self._watchers if watcher.pieces is not pieces)

    def _tell(self, part: Part | None) -> None:
        for watcher in self._watchers:
            watcher.put(part)

    def _add_part(self, part: Part) -> None:
        self._parts.append(part)
        if self._watchers:
            self._tell(part)

    def _publish(self, values: Display) -> bool:
        if self.data is not None and values.seq <= self.data.number:
            return False
        self.data = Data(values.seq, values.content)
        return True

    def _add_text(self, which: int, text: str) -> None:
        if self._clear is not None:
            self._take_away()
        if self._missing[which]:
            self._missing[which] = False
            self._add_part((which, _MISSING))
        if self._size[which] <= LIMIT:
            self._size[which] += len(text)
            self._add_part((which, text if self._size[which] <= LIMIT else _OMITTED))

    def _add_piece(self, piece: Display) -> None:
        """Take a display, or a part of one."""
        if not piece.is_part:
            self._add_display(piece)
            return
        if len(self._pieces) != piece.part:
            if not piece.more:
                self._give_up(piece)
            return
        self._pieces.append(piece)
        if not piece.more:
            content = b"".join([each.content for each in self._pieces])
            self._pieces = []
            self._add_display(Display(piece.task, piece.attempt, piece.kind, piece.seq, content))

    def _note_gap(self) -> None:
        """Something may be missing before what comes now."""
        self._missing = [True, True]
        pieces, self._pieces = self._pieces, []
        if pieces:
            self._give_up(pieces[0])

    def _give_up(self, piece: Display) -> None:
        """Parts of what this is a part of are missing: say so, once."""
        first = piece.seq - piece.part
        if first != self._given_up:
            self._given_up = first
            self._add_display(_in_place_of(piece, _INCOMPLETE))

    def _add_display(self, display: Display) -> None:
        if display.kind is Displays.CLEAR:
            self._clear = display
            self._tell(display)
            if b"true" not in display.content:  # else it waits for what comes next
                self._take_away()
            return
        if self._clear is not None:
            self._take_away()
        size = _DISPLAY_BYTES + len(display.content)
        if self._size[2] <= self._displays_limit:
            self._size[2] += size
            fits = self._size[2] <= self._displays_limit
            self._add_part(display if fits else _in_place_of(display, _NO_MORE))

    def _take_away(self) -> None:
        """Forget what was displayed; what was printed stays in `stdout` and `stderr`."""
        self._clear = None
        self._parts[self._cleared :] = [part for part in self._parts[self._cleared :] if type(part) is tuple]
        self._cleared = len(self._parts)
        self._size[2] = 0


def _in_place_of(piece: Display, content: bytes) -> Display:
    """Return what is shown in place of something else."""
    return Display(piece.task, piece.attempt, Displays.SHOW, piece.seq, content)


def _shown(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Return what there is once these have been shown and updated."""
    shown: list[dict[str, Any]] = []
    for name, run in groupby(parts, _stream_of):
        if name:
            text = "".join([part[1] for part in run if type(part) is tuple])
            shown.append({"output_type": "stream", "name": name, "text": text})
        else:
            for part in run:
                if type(part) is Display:
                    _show(part, shown)
    return shown


def _stream_of(part: Part) -> str:
    """Return "stdout" or "stderr", and "" for what is displayed."""
    return ("stdout", "stderr")[part[0]] if type(part) is tuple else ""


def _show(display: Display, shown: list[dict[str, Any]]) -> None:
    content = content_of(display)
    if display.kind is not Displays.UPDATE:
        shown.append({"output_type": _NAMES.get(display.kind, "display_data"), **content})
        return
    for index, each in enumerate(shown):
        shown[index] = updated(each, content) or each


_NAMES = {Displays.RESULT: "execute_result", Displays.ERROR: "error"}
_OBJECT: dict[str, type] = {"data": dict, "metadata": dict, "transient": dict}
_FIELDS: dict[Displays, dict[str, type]] = {
    Displays.RESULT: {**_OBJECT, "execution_count": int},
    Displays.ERROR: {"ename": str, "evalue": str, "traceback": list},
    Displays.CLEAR: {"wait": bool},
}


def content_of(display: Display) -> dict[str, Any]:
    """Return the content of a display; of one that is not as it should be, what is missing is empty."""
    fields, said = _FIELDS.get(display.kind, _OBJECT), read_json(display.content)
    return {field: part if isinstance(part := said.get(field), kind) else kind() for field, kind in fields.items()}


def read_json(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in `raw`; {} if there is none."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else {}
