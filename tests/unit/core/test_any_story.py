"""Random stories: whatever happens, every task ends in exactly one result, and every result is acknowledged once."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from engineroom.core.policies import POLICIES
from tests.unit.core.world import World


@settings(max_examples=200)
@given(
    story=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 11), st.integers(0, 59)), min_size=20, max_size=120),
    policy=st.sampled_from(sorted(POLICIES)),
    seed=st.integers(0, 1000),
)
def test_every_task_ends_once(story: list[tuple[int, int, int]], policy: str, seed: int) -> None:
    world = World(policy, seed)
    for client in world.clients:
        client.up()

    for step in story:
        world.step(*step)
    world.settle()

    for client in world.clients:
        assert set(client.results) == set(client.submitted)
        assert client.confirmed == set(client.submitted)
    assert not any(session.tasks or session.results for session in world.play.state.sessions.values())
    for engine in world.engines:
        assert engine.unacknowledged == {}
        assert not engine.direct
        assert not engine.balanced
