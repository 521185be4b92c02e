"""What the scheduler of Windows HPC Server says of a job, understood."""

from __future__ import annotations

import pytest

from engineroom.cluster.launchers.launcher import State, Status
from engineroom.cluster.launchers.winhpc.status import status_in


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *((word, State.WAITING) for word in ("Configuring", "Submitted", "Validating", "ExternalValidation", "Queued")),
        *((word, State.RUNNING) for word in ("Running", "Finishing", "Canceling")),
        *((word, State.ENDED) for word in ("Finished", "Failed", "Canceled")),
    ],
)
def test_each_state_that_a_job_can_have(word: str, state: State) -> None:
    said = f"Id        : 7\r\nName      : State: of the art\r\nState     : {word}\r\nPriority : Normal\r\n"
    assert status_in(said) == Status(state, word.lower())


def test_why_it_waits_or_failed() -> None:
    assert status_in("State : Queued\nPending Reason : Not enough cores") == Status(
        State.WAITING, "queued: Not enough cores"
    )
    assert status_in("State : Failed\nError Message :\nError : no such user") == Status(
        State.ENDED, "failed: no such user"
    )


@pytest.mark.parametrize("said", ["", "Access denied.", "State : Confused", "Running"])
def test_what_says_nothing_is_not_taken_for_an_end(said: str) -> None:
    assert status_in(said) is None
