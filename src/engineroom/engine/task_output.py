"""What one attempt has written, displayed and published, and how much of it is kept.

It waits in its `TaskOutput` until the I/O thread takes it, every 50 ms.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

from engineroom.engine.comm_flow import BESIDE, BURST, CommFlow, without_old_comms
from engineroom.engine.published import Item, Published
from engineroom.engine.shown import LIMIT, Shown
from engineroom.ids import TaskId
from engineroom.protocol.messages import COMMS, Display, Displays, Output
from engineroom.protocol.ranges import MOST_DISPLAY

Key = tuple[TaskId, int]
"""A task and the number of the attempt."""

_LONGEST = 128 * 1024
"""Characters in one message, so that it fits a record however they are encoded."""


class StreamOutput:
    """What one attempt wrote to one stream: its head goes out at once, of the rest the tail is kept to the end."""

    __slots__ = ("_head_left", "_limit", "_tail", "_tail_limit", "_tail_size", "_waiting", "cut")

    def __init__(self, limit: int) -> None:
        """`limit`: characters, head and tail together."""
        self._limit = limit
        self._head_left = limit - limit // 2
        self._tail_limit = limit // 2
        self._waiting: list[str] = []
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self.cut = 0

    @property
    def size(self) -> int:
        """Characters that are kept."""
        return self._limit - self._tail_limit - self._head_left + self._tail_size

    def write(self, text: str) -> None:
        size = len(text)
        if size <= self._head_left:
            self._head_left -= size
            self._waiting.append(text)
            return
        if self._head_left:
            self._waiting.append(text[: self._head_left])
            text = text[self._head_left :]
            self._head_left = 0
        self._write_tail(text)

    def take(self) -> str:
        """Return, once, what may go out now."""
        waiting, self._waiting = self._waiting, []
        return "".join(waiting)

    def take_rest(self) -> str:
        """Return all that is left at the end, with a line that says how much is missing in the middle."""
        missing = f"\n[... {self.cut} characters of output were cut here ...]\n" if self.cut else ""
        rest = f"{self.take()}{missing}{''.join(self._tail)}"
        self._tail.clear()
        return rest

    def _write_tail(self, text: str) -> None:
        if len(text) > self._tail_limit:
            self.cut += len(text) - self._tail_limit
            text = text[len(text) - self._tail_limit :]
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > self._tail_limit:
            oldest = self._tail.popleft()
            excess = self._tail_size - self._tail_limit
            self._tail_size -= len(oldest)
            self.cut += min(excess, len(oldest))
            if excess < len(oldest):
                self._tail.appendleft(oldest[excess:])
                self._tail_size += len(oldest) - excess


class TaskOutput:
    """What one attempt wrote, displayed and published; written by its threads and taken by the I/O thread."""

    __slots__ = (
        "_closed",
        "_comm_bytes",
        "_comms",
        "_data",
        "_displays",
        "_limit",
        "_lock",
        "_published",
        "_ready",
        "_said",
        "_seq",
        "_shown",
        "_streams",
    )

    def __init__(self, limit: int, displays: int = LIMIT) -> None:
        """`limit`: characters of each stream; `displays`: bytes of what is displayed."""
        self._limit, self._displays = limit, displays
        self._lock = threading.RLock()  # see Sink
        self._streams: dict[int, StreamOutput] = {}
        self._shown: Shown | None = None
        self._comms: CommFlow | None = None
        self._comm_bytes = 0
        """Of what comms have said, in `_said`."""
        self._ready: list[tuple[int, str] | tuple[Displays, bytes]] = []
        """What goes out before what the streams have: displays, and the text that came before them."""
        self._seq = 0
        self._closed = False
        self._said: list[Output | Display] = []
        self._published: Published | None = None
        self._data: Display | None = None
        """The last message with published values: one holds all."""

    @property
    def said(self) -> list[Output | Display]:
        """The messages made of it so far, to be said again to a controller that may have missed them."""
        return self._said if self._data is None else [*self._said, self._data]

    @property
    def size(self) -> int:
        """Characters that are kept of it."""
        with self._lock:
            shown = 0 if self._shown is None else self._shown.size
            published = 0 if self._published is None else self._published.size
            return shown + published + self._comm_bytes + sum(output.size for output in self._streams.values())

    def write(self, stream: int, text: str) -> bool:
        """Take `text`; False if it comes too late."""
        with self._lock:
            if self._closed:
                return False
            output = self._streams.get(stream)
            if output is None:
                output = self._streams[stream] = StreamOutput(self._limit)
            output.write(text)
            return True

    def show(self, kind: Displays, content: bytes) -> bool:
        """Take something displayed, to go out after the text so far; False if it comes too late.

        Where either is too much, and its tail is kept to the end, the tail of the text comes first.
        """
        with self._lock:
            if self._closed:
                return False
            if self._bound(kind).fits(kind, content):
                self._ready += [(stream, text) for stream, output in self._streams.items() if (text := output.take())]
                self._ready.append((kind, content))
            return True

    def _bound(self, kind: Displays) -> Shown | CommFlow:
        """Return what bounds messages of this kind."""
        if kind in COMMS:
            if self._comms is None:
                self._comms = CommFlow()
            return self._comms
        if self._shown is None:
            self._shown = Shown(self._displays)
        return self._shown

    def publish(self, items: Mapping[object, Item]) -> bool:
        """Take published values, packed, by their names; False if they come too late. ValueError: they are too many."""
        with self._lock:
            if self._closed:
                return False
            if self._published is None:
                self._published = Published()
            self._published.update(items)
            return True

    def take(self, key: Key, *, end: bool = False) -> list[Output | Display]:
        """Return what may go out now, as output of the attempt `key`; at the `end` all that is left."""
        messages: list[Output | Display] = []
        with self._lock:
            self._closed = end
            if self._ready:
                for kind, content in self._ready:
                    self._add(messages, key, kind, content)
                self._ready = []
            for stream, output in self._streams.items():
                self._add(messages, key, stream, output.take_rest() if end else output.take())
            if end and self._shown is not None:
                for kind, content in self._shown.take_rest():
                    self._add(messages, key, kind, content)
            self._said += messages
            if self._comms is not None:
                self._take_comms(self._comms, messages, key, end=end)
            if self._published is not None and (values := self._published.take(end=end)) is not None:
                number = 0 if self._data is None else self._data.seq + 1
                self._data = Display(*key, Displays.DATA, number, values)
                messages.append(self._data)
        return messages

    def _take_comms(self, comms: CommFlow, messages: list[Output | Display], key: Key, *, end: bool) -> None:
        """Add what comms have waiting, and bound what is kept of what they have said."""
        late: list[Output | Display] = []
        for kind, content in comms.take(end=end):
            self._add(late, key, kind, content)
        messages += late
        self._said += late
        said = (message for message in messages if isinstance(message, Display) and message.kind in COMMS)
        self._comm_bytes += sum(BESIDE + len(message.content) for message in said)
        if self._comm_bytes > BURST:
            self._said, self._comm_bytes = without_old_comms(self._said)

    def _add(self, messages: list[Output | Display], key: Key, stream: int, content: str | bytes) -> None:
        """Add the messages for a text, or for what is displayed (`stream` says how)."""
        if isinstance(content, bytes):
            self._add_display(messages, key, Displays(stream), content)
            return
        for start in range(0, len(content), _LONGEST):
            piece = _encodable(content[start : start + _LONGEST])
            messages.append(Output(*key, stream, self._seq, piece))
            self._seq += 1

    def _add_display(self, messages: list[Output | Display], key: Key, kind: Displays, content: bytes) -> None:
        for part, start in enumerate(range(0, len(content) or 1, MOST_DISPLAY)):
            end = start + MOST_DISPLAY
            piece = content if len(content) <= MOST_DISPLAY else content[start:end]
            messages.append(Display(*key, kind, self._seq, piece, part, end < len(content)))
            self._seq += 1


def _encodable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
