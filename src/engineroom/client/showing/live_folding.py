"""What many tasks print while they run, folded without a long wait: events in, sections out, the time an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from engineroom.client.showing.folding import Section
from engineroom.client.showing.terminal_text import Lines

HOLD = 0.15
"""Seconds that whole lines are held while other tasks may still print the same ones..."""

SCREEN = 8 * 1024
"""... and so much longer for each so many characters, which nobody can read meanwhile..."""

ENDED = 1.5
"""... and at least so long if their task has ended: nothing comes after them, and the first cell of an engine, which
loads IPython, may be so much later on another one..."""

LONGEST = 3.0
"""... but never longer than this."""


class Item(NamedTuple):
    """Whole lines (`kind` is their stream, `content` a str), or something else that a task did.

    `key`: None of lines; what else has the same kind and key is shown once. `since`: when it came.
    """

    kind: str
    content: object
    key: Hashable
    since: float


class _Writer:
    """What one task has written that was not shown yet."""

    __slots__ = ("engine", "items", "streams")

    def __init__(self) -> None:
        self.engine = -1
        self.items: deque[Item] = deque()
        self.streams: dict[str, Lines] = {}

    def add_text(self, stream: str, text: str, now: float) -> None:
        lines = self.streams.get(stream)
        if lines is None:
            lines = self.streams[stream] = Lines()
        lines.feed(text)
        self.add_lines(stream, lines.take(), now)

    def add_lines(self, stream: str, text: str, now: float) -> None:
        if not text:
            return
        last = self.items[-1] if self.items else None
        if last is not None and last.key is None and last.kind == stream:
            self.items[-1] = last._replace(content=f"{last.content}{text}")
        else:
            self.items.append(Item(stream, text, None, now))

    def end_lines(self, now: float) -> None:
        """End the lines that have no end yet."""
        for stream, lines in self.streams.items():
            if lines.waits:
                text = lines.take_all()
                self.add_lines(stream, text if text.endswith("\n") else f"{text}\n", now)

    def drop(self, count: int, since: float) -> None:
        """Take the first item away, or of lines so many characters; what comes next waits from `since` on."""
        head = self.items.popleft()
        if isinstance(head.content, str) and head.key is None and count < len(head.content):
            self.items.appendleft(head._replace(content=head.content[count:]))
        if self.items and self.items[0].since < since:
            self.items[0] = self.items[0]._replace(since=since)


class LiveFolding:
    """Folds what tasks write while they run.

    Lines are shown at once if no other task can print the same ones next: each has ended, or has printed something
    else. Otherwise they wait for the others, for a time that depends on how many they are. Lines without an end wait
    for it, or for that of their task. Tasks are named by any key.
    """

    def __init__(self, tasks: Iterable[Hashable], *, fold: bool = True) -> None:
        self._fold = fold
        self._silent = dict.fromkeys(tasks)
        """Those that run and have nothing to be shown: they may still print what others have."""
        self._running = set(self._silent)
        self._writers: dict[Hashable, _Writer] = {}
        """Those that have something, or lines without an end."""

    def join(self, tasks: Iterable[Hashable]) -> None:
        """Count these tasks, too, as tasks that run."""
        for task in tasks:
            self._running.add(task)
            self._silent[task] = None

    def text(self, task: Hashable, engine: int, stream: str, text: str, now: float) -> None:
        """`task` has printed `text` to `stream`."""
        writer = self._writer(task, engine)
        writer.add_text(stream, text, now)
        self._look(task, writer)

    def item(self, task: Hashable, engine: int, kind: str, content: object, key: Hashable, now: float) -> None:
        """`task` did something else, after what it has printed so far. `key`: see Item; None: it is like no other."""
        writer = self._writer(task, engine)
        writer.end_lines(now)
        writer.items.append(Item(kind, content, (task, now) if key is None else (key,), now))
        self._look(task, writer)

    def end(self, task: Hashable, now: float) -> None:
        """`task` has ended."""
        self._running.discard(task)
        self._silent.pop(task, None)
        writer = self._writers.get(task)
        if writer is not None:
            writer.end_lines(now)
            if not writer.items:
                del self._writers[task]

    @property
    def due(self) -> float | None:
        """When something is to be shown, at the latest; None: nothing is held."""
        return min((self._due(task, writer) for task, writer in self._writers.items() if writer.items), default=None)

    @property
    def unfinished(self) -> tuple[int, str] | None:
        """An engine and a line that has no end yet, such as a progress bar; None: there is none."""
        for writer in reversed(self._writers.values()):
            for lines in writer.streams.values():
                if lines.waits and (last := lines.last):
                    return writer.engine, last
        return None

    def take(self, now: float) -> Iterator[Section[Item]]:
        """Yield what is to be shown now."""
        while True:
            due = [tasks for tasks in self._alike() if self._is_due(tasks, now)]
            if not due:
                return
            for tasks in due:
                yield self._section(tasks, now)

    def _writer(self, task: Hashable, engine: int) -> _Writer:
        writer = self._writers.get(task)
        if writer is None:
            writer = self._writers[task] = _Writer()
        writer.engine = engine if engine >= 0 else writer.engine
        return writer

    def _look(self, task: Hashable, writer: _Writer) -> None:
        if writer.items:
            self._silent.pop(task, None)

    def _alike(self) -> list[list[Hashable]]:
        """Return the tasks that have something to be shown, by what comes first; those that waited longest first."""
        whole = not self._running
        found: dict[Hashable, list[Hashable]] = {}
        for task, writer in self._writers.items():
            if writer.items:
                found.setdefault(_first(writer.items[0], whole=whole) if self._fold else task, []).append(task)
        return sorted(found.values(), key=lambda tasks: min(self._writers[task].items[0].since for task in tasks))

    def _is_due(self, tasks: list[Hashable], now: float) -> bool:
        return not self._silent or any(self._due(task, self._writers[task]) <= now for task in tasks)

    def _due(self, task: Hashable, writer: _Writer) -> float:
        """Return when what comes first of a task is to be shown, at the latest."""
        head = writer.items[0]
        if not self._fold:
            return head.since
        screens = len(str(head.content)) // SCREEN if head.key is None else 0
        hold = HOLD * (1 + screens)
        return head.since + min(LONGEST, hold if task in self._running else max(ENDED, hold))

    def _section(self, tasks: list[Hashable], now: float) -> Section[Item]:
        writers = [self._writers[task] for task in tasks]
        head = writers[0].items[0]
        count = 0
        if head.key is None:
            texts = [str(writer.items[0].content) for writer in writers]
            count = _common(texts)
            head = head._replace(content=texts[0][:count])
        section = Section(tuple(writer.engine for writer in writers), head)
        for task, writer in zip(tasks, writers, strict=True):
            writer.drop(count, now if len(tasks) > 1 else 0.0)  # the others may be about to print the same again
            if not writer.items:
                self._has_shown_all(task, writer)
        return section

    def _has_shown_all(self, task: Hashable, writer: _Writer) -> None:
        if task in self._running:
            self._silent[task] = None
        if not any(lines.waits for lines in writer.streams.values()):
            del self._writers[task]


def _first(item: Item, *, whole: bool) -> Hashable:
    """Return what tasks have in common that can be shown together: of lines the first, or once all are there all."""
    if item.key is not None:
        return item.kind, item.key
    text = str(item.content)
    return item.kind, None, text if whole else text[: text.index("\n")]


def _common(texts: list[str]) -> int:
    """Return how many characters of whole lines these texts begin with alike; at least the first line is alike."""
    first = texts[0]
    if all(text == first for text in texts):
        return len(first)
    low, high = min(texts), max(texts)
    same, different = 0, min(len(low), len(high)) + 1
    while different - same > 1:
        middle = (same + different) // 2
        if high.startswith(low[:middle]):
            same = middle
        else:
            different = middle
    return low.rindex("\n", 0, same) + 1
