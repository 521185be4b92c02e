"""What a task printed, collected as it arrives."""

from __future__ import annotations

from engineroom.protocol.messages import Output

LIMIT = 16 * 1024 * 1024
"""Characters of one stream of one task that are kept; the engine cuts sooner."""

_MISSING = "\n[... output is missing here: the client was disconnected for too long to be sent all of it ...]\n"


class TaskOutput:
    """The text of one task's last attempt, in order; what is sent a second time counts once."""

    __slots__ = ("_attempt", "_next", "_size", "_text")

    def __init__(self) -> None:
        self._attempt = -1
        self._start()

    def _start(self) -> None:
        self._next, self._size = [0, 0], [0, 0]
        self._text: tuple[list[str], list[str]] = ([], [])

    @property
    def stdout(self) -> str:
        return "".join(self._text[0])

    @property
    def stderr(self) -> str:
        return "".join(self._text[1])

    def add(self, output: Output) -> None:
        """Take one piece; pieces of an earlier attempt, and those already here, are dropped."""
        if output.attempt > self._attempt:
            self._attempt = output.attempt
            self._start()
        which = 1 if output.stream == 2 else 0
        if output.attempt < self._attempt or output.seq < self._next[which]:
            return
        if output.seq > self._next[which]:
            self._text[which].append(_MISSING)
        self._next[which] = output.seq + 1
        if self._size[which] <= LIMIT:
            self._size[which] += len(output.text)
            self._text[which].append(output.text if self._size[which] <= LIMIT else "\n[further output was omitted]\n")
