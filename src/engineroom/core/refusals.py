"""Why tasks end that depend on others, in words."""

from __future__ import annotations

from engineroom.core.results import cannot
from engineroom.core.sessions import Session
from engineroom.ids import msg_id, task_id
from engineroom.protocol.messages import Outcome, Status


class Refusal(Exception):
    """A task can't run, whatever happens."""

    def __init__(self, words: str, *, name: str = "ImpossibleDependency") -> None:
        super().__init__(words)
        self.outcome = cannot(words, name=name)


class InputFailed(Refusal):
    """A task whose result is needed has failed."""

    def __init__(self, outcome: Outcome) -> None:
        Exception.__init__(self, outcome.error)
        self.outcome = outcome


def why_not(session: Session, number: int, outcome: Outcome | None) -> Outcome:
    """Return how a task ends that needs the result of task `number`, which ended with `outcome`, and without one."""
    if outcome is not None and outcome.status == Status.DEPENDENCY:
        return outcome  # so that the first of a chain is named, and many end alike
    return cannot(f"{needs(session, number)} will never be there: {how_it_ended(outcome)}")


def needs(session: Session, number: int) -> str:
    return f"it needs the result of {name_of(session, number)}, which"


def how_it_ended(outcome: Outcome | None) -> str:
    if outcome is None:
        return "its client does not wait for it any more"
    if outcome.status == Status.OK:
        return "it is not kept any more"
    if outcome.status == Status.ABORTED:
        return "the task was aborted"
    return f"the task failed ({outcome.error})"


def name_of(session: Session, number: int) -> str:
    return f"task {msg_id(task_id(session.id, number))}"
