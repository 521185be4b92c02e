"""Tasks that are ended for a reason of the engine's: they run for too long, or take too much memory."""

from __future__ import annotations

from time import monotonic

from engineroom.engine.attempts import Attempt
from engineroom.engine.interrupts import Interrupts
from engineroom.errors import TaskTimeout

NEVER = float("inf")

_NOT_YET = 0.002
"""Seconds until a task that is about to begin has begun."""

_LONGEST_CHAIN = 100


class TimeLimits:
    """Interrupts what runs for longer than it may; in the I/O thread only."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts

    def look(self, attempt: Attempt) -> float:
        """Interrupt `attempt`, which runs, if its time is over; return after how many seconds to look again."""
        terms = attempt.run.terms
        if terms is None or not terms.time_limit or attempt.verdict is not None:
            return NEVER
        if not attempt.began:
            return _NOT_YET
        ran = monotonic() - attempt.began
        if ran < terms.time_limit:
            return terms.time_limit - ran
        attempt.verdict = TaskTimeout(
            f"the task was interrupted after {ran:.4g} s because its time limit is {terms.time_limit:g} s"
        )
        self._interrupts.request(attempt.key)
        return NEVER


def judged(attempt: Attempt, problem: BaseException) -> BaseException:
    """Return the error of a task that raised `problem`: its verdict, if it was interrupted because of one.

    What it raised for a reason of its own stays its error.
    """
    verdict, attempt.verdict = attempt.verdict, None  # or its frames would stay
    if verdict is None:
        return problem
    chain, each = [problem], problem
    while len(chain) < _LONGEST_CHAIN and (before := each.__cause__ or each.__context__) is not None:
        chain.append(before)
        each = before
    if not any(isinstance(each, KeyboardInterrupt) for each in chain):
        return problem
    error = verdict.with_traceback(problem.__traceback__)
    if not isinstance(problem, KeyboardInterrupt):
        error.__cause__ = problem
    return error
