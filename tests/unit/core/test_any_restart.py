"""Random stories in which the controller is killed at any moment, as engines and clients are: every task ends once."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import example, given

from tests.examples import drawn
from tests.unit.core.restarts import RestartedWorld
from tests.unit.core.stored import StoredWorld
from tests.unit.core.world import STEPS, Story, stories


def tell_to_the_end(world: RestartedWorld, story: Story) -> None:
    world.tell(story)
    world.restart()
    world.settle()

    world.everybody_knows()
    assert not any(session.tasks or session.results for session in world.play.state.sessions.values())
    for engine in world.engines:
        assert not engine.direct
        assert not engine.balanced


@drawn(200)
@given(story=stories(STEPS + 4), seed=st.integers(0, 1000))
def test_every_task_ends_once_whoever_is_killed(story: Story, seed: int) -> None:
    world = RestartedWorld("leastload", seed)
    tell_to_the_end(world, story)
    assert all(engine.unacknowledged == {} for engine in world.engines)


ACKNOWLEDGED_AGAIN = [(47, 11, 0), (0, 1, 6), (3, 1, 0), (43, 1, 2), (39, 0, 0), (4, 7, 0)]
"""What a client had confirmed comes again, and would take the room of others if it were not confirmed once more."""


BEHIND_AN_ERROR = [(0, 0, 0), (8, 0, 0), (43, 0, 0), (11, 0, 8)]
"""A task is sent behind one whose error is on its way, which a controller that has just started does not know."""


@drawn(200)
@example(story=ACKNOWLEDGED_AGAIN, seed=2)
@example(story=BEHIND_AN_ERROR, seed=0)
@given(story=stories(STEPS + 4), seed=st.integers(0, 1000))
def test_every_task_ends_once_if_a_store_knows_some_of_them(story: Story, seed: int) -> None:
    world = StoredWorld("leastload", seed)
    tell_to_the_end(world, story)
    assert not world.play.state.returning
