"""How far something is, as data and as a line of text."""

from __future__ import annotations

from typing import NamedTuple

_FORESEEN = 0.02
"""Part that must be done before the rest of the time is estimated."""

_EARLY = 2.0
"""Seconds before which it is not estimated either."""

_SHORT = 10.0
"""Seconds below which tenths are told."""

_DONE = {"items", "results", "tasks"}
"""What is done; others are there, such as engines."""

_IN_THEIR_OWN_TIME = {"engines"}
"""What comes when it comes: of the first, nothing follows for the rest."""


class Counts(NamedTuple):
    """So many of how many are done.

    `name`: of what, such as "map:f"; `since`: when that began, by `time.time()`. `in_chunks`: what `failed` counts is
    chunks of several. `at_once`: what is left runs side by side, each in its own time.
    """

    done: int
    total: int
    unit: str = "tasks"
    name: str = ""
    failed: int = 0
    since: float = 0.0
    in_chunks: bool = False
    at_once: bool = False


class Standing(NamedTuple):
    """How far something is, for people.

    `words`: what goes on, or why nothing does. `seconds`: since it began. `over`: whoever waited does so no longer.
    """

    counts: Counts
    words: str = ""
    seconds: float = 0.0
    over: bool = False

    @property
    def lone(self) -> bool:
        """Whether it is one thing, of which a bar says nothing."""
        return self.counts.total <= 1

    @property
    def name(self) -> str:
        """What it is, in a line."""
        return in_a_line(self.counts.name) or "waiting"

    @property
    def amount(self) -> str:
        """How many of how many: "37/100 items"."""
        counts = self.counts
        return f"{counts.done:,}/{counts.total:,} {counts.unit}"

    @property
    def times(self) -> str:
        """How long it has taken, how long it may still take, and how many failed: "12 s, about 20 s left"."""
        counts, parts = self.counts, [duration(self.seconds)]
        foreseen = max(1, _FORESEEN * counts.total) <= counts.done < counts.total and not counts.at_once
        if foreseen and counts.unit not in _IN_THEIR_OWN_TIME and self.seconds >= _EARLY and not self.over:
            parts.append(f"about {duration(self.seconds / counts.done * (counts.total - counts.done))} left")
        if counts.failed:
            some = f"{counts.failed:,} task{'s' * (counts.failed != 1)}"
            parts.append(f"errors in {some}" if counts.in_chunks else f"{counts.failed:,} failed")
        return ", ".join(parts)

    def __str__(self) -> str:
        """Return all of it in a line: "map:f: 37 of 100 items done after 12 s, about 20 s left: 4 run on engine 0"."""
        counts, words = self.counts, f": {in_a_line(self.words)}" if self.words else ""
        done = " done" if counts.unit in _DONE else ""
        amount = "" if self.lone else f"{counts.done:,} of {counts.total:,} {counts.unit}{done} after "
        return f"{self.name}: {amount}{self.times}{words}"


def in_a_line(text: str) -> str:
    """Return `text` on one line, without what would move a cursor or is not allowed in a document."""
    return "".join(each if each.isprintable() else "\ufffd" for each in " ".join(text.split()))


def duration(seconds: float) -> str:
    """Return a duration for people: "3.2 s", "45 s", "2:05 min", "1:02:05 h"."""
    if seconds < _SHORT:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} h"
