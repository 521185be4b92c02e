"""The life of a task is a table."""

from __future__ import annotations

import pytest

from engineroom.core.task_states import NEXT, Cause, HasState, ImpossibleStepError, State, step


@pytest.mark.parametrize(("pair", "after"), NEXT.items(), ids=str)
def test_a_step_of_the_table(pair: tuple[State, Cause], after: State) -> None:
    task = HasState(pair[0])

    step(task, pair[1])

    assert task.state is after


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("cause", Cause)
def test_what_is_not_in_the_table_is_a_bug(state: State, cause: Cause) -> None:
    if (state, cause) not in NEXT:
        with pytest.raises(ImpossibleStepError, match=f"{cause.name} cannot happen to a task that is {state.name}"):
            step(HasState(state), cause)


def test_every_state_but_the_last_can_end() -> None:
    assert {state for state, cause in NEXT if cause is Cause.ENDED} == set(State) - {State.ENDED}


def test_nothing_happens_to_what_has_ended() -> None:
    assert not [pair for pair in NEXT if pair[0] is State.ENDED]
