"""What the steps of a start say: which failed first, and who waits for what. Pure: no clock, no files."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import NamedTuple

from engineroom.trail.fixes import fix_for
from engineroom.trail.steps import ENDED, LISTENS, ORDER, QUEUED, REGISTERED, SUBMITTED, Step, is_one_engine

_FIX_IN_WORDS = re.compile(r" \(fix: (?P<enclosed>[^()]*)\)|\. Fix: (?P<last>[^()]*)(?= \(|$)")

_RANK = {step: rank for rank, step in enumerate(ORDER)}


class Failure(NamedTuple):
    """A step that was not made. `who`: all those with the same trouble; `fix`: "" where nobody knows one."""

    who: tuple[str, ...]
    step: str
    words: str
    fix: str
    at: float

    def __str__(self) -> str:
        who = _together(self.who)
        words = self.words.removeprefix(f"{who.rpartition(' on ')[2]}: ")  # the machine need not be named twice
        return f"{who}: {words or _UNSAID[self.step]}"


_UNSAID = {
    step: f"the step {step!r} failed" for step in ORDER if step not in (QUEUED, SUBMITTED, REGISTERED, ENDED)
} | {
    QUEUED: "refused by the queue",
    SUBMITTED: "could not be started",
    REGISTERED: "did not register",
    ENDED: "ended by itself",
}


def failures(steps: Iterable[Step]) -> list[Failure]:
    """Return the failures that nothing has made good since, the one that comes first in a start first.

    A failure is made good by a success of the same process in the same step or a later one, or by a new start.
    """
    open_now: dict[str, list[Step]] = {}
    for step in steps:
        mine = open_now.setdefault(step.who, [])
        if not step.ok:
            mine.append(step)
        elif step.step == SUBMITTED:
            mine.clear()
        else:
            mine[:] = [failed for failed in mine if not _makes_good(step, failed)]
    # What is known of a whole set, such as the end of its job, explains what its engines came to.
    first = [min(mine, key=_rank) for mine in open_now.values() if mine]
    return _grouped(sorted(first, key=lambda step: (_rank(step), _of_one(step), step.at)))


def waiting(steps: Iterable[Step]) -> list[Step]:
    """Return, for each who was submitted and has come no further, its last step; not those that failed."""
    last: dict[str, Step] = {}
    for step in steps:
        last[step.who] = step
    return [step for step in last.values() if step.ok and step.step in (SUBMITTED, QUEUED)]


def in_brief(steps: Iterable[Step]) -> str:
    """Return, in a few words, what those who wait for engines should know; "" if there is nothing."""
    steps = tuple(steps)
    if found := failures(steps):
        return _with_time(found[0])
    return "; ".join(map(wait_in_words, waiting(steps)))


def wait_in_words(step: Step) -> str:
    """Return who waits, and for what: "engine set 1: queued (Resources)"."""
    if "queue" in step.words:  # batch systems tell of their jobs in whole sentences
        return f"{step.who}: {step.words}"
    return f"{step.who}: {step.step}{f' ({step.words})' if step.words else ''}"


def advice(steps: Iterable[Step], *, told: str) -> str:
    """Return the first failure and its fix, as lines for the end of an error's text; "" if there is nothing to add.

    `told`: what that text says already.
    """
    found = failures(steps)
    if not found:
        return ""
    first = found[0]
    why = "" if first.words and first.words in told else f"\nwhy: {_with_time(first)}"
    return why + (f"\nfix: {first.fix}" if first.fix and first.fix not in told else "")


def clock(at: float) -> str:
    """Return a moment as the time of day."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def _with_time(failure: Failure) -> str:
    # What has ended may have done so long ago, and have nothing to do with what is waited for now.
    return f"{failure} (at {clock(failure.at)})" if failure.step == ENDED else str(failure)


def _rank(step: Step) -> int:
    return _RANK.get(step.step, len(ORDER))


def _of_one(step: Step) -> int:
    """Return how much less it tells than others of the same kind: of a set, of an engine, of one at the door."""
    return 2 if step.who.startswith("an ") else int(is_one_engine(step.who))


def _makes_good(success: Step, failed: Step) -> bool:
    # An engine that died is there again once another life of it has registered, a controller once the next one listens.
    return _rank(success) >= _rank(failed) or (failed.step == ENDED and success.step in {REGISTERED, LISTENS})


def _grouped(steps: Iterable[Step]) -> list[Failure]:
    found: dict[tuple[str, str], Failure] = {}
    for step in steps:
        words, told = _apart(step.words)
        key = (step.step, words)
        if key in found:
            found[key] = found[key]._replace(who=(*found[key].who, step.who))
        else:
            found[key] = Failure((step.who,), step.step, words, step.fix or told or fix_for(words), step.at)
    return list(found.values())


def _apart(words: str) -> tuple[str, str]:
    """Return `words` without the fix that they may end with or enclose, and that fix."""
    found = _FIX_IN_WORDS.search(words)
    if found is None:
        return words, ""
    return words[: found.start()] + words[found.end() :], found["enclosed"] or found["last"]


def _together(who: tuple[str, ...]) -> str:
    who = tuple(sorted(who, key=lambda name: (len(name), name)))
    more = len(who) - 2
    return ", ".join(who) if more <= 1 else f"{who[0]}, {who[1]} and {more} more"
