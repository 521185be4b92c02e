"""Random stories: whatever happens, every task ends in exactly one result, every result is acknowledged once, and no
task waits for what never comes."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from engineroom.core.policies import POLICIES
from engineroom.protocol.messages import Options, Status
from tests.examples import drawn
from tests.unit.core.world import Story, World, stories


@drawn(200)
@given(
    story=stories(),
    policy=st.sampled_from(sorted(POLICIES)),
    seed=st.integers(0, 1000),
)
def test_every_task_ends_once(story: Story, policy: str, seed: int) -> None:
    world = World(policy, seed)

    world.tell(story)
    world.settle()

    world.everybody_knows()
    assert not any(session.tasks or session.results for session in world.play.state.sessions.values())
    for engine in world.engines:
        assert engine.unacknowledged == {}
        assert not engine.direct
        assert not engine.balanced


@drawn(200)
@given(
    story=stories(),
    policy=st.sampled_from(sorted(POLICIES)),
    seed=st.integers(0, 1000),
)
def test_no_task_waits_though_nothing_can_ever_run_it(story: Story, policy: str, seed: int) -> None:
    world = World(policy, seed)

    world.tell(story)
    world.settle_without_help()

    there = set(world.play.state.engines)
    for session in world.play.state.sessions.values():
        for task in session.tasks.values():  # ids that never were may still come, while somebody is there
            if task.waits is not None and task.waits.open:
                continue  # for one of these
            assert task.pool is not None
            assert there
            assert not all(map(world.play.state.was_used, task.pool.allowed or ()))


@drawn(100)
@given(
    story=stories(),
    policy=st.sampled_from(sorted(POLICIES)),
    seed=st.integers(0, 1000),
)
def test_a_client_whose_bytes_never_come_keeps_nobody_else_waiting(story: Story, policy: str, seed: int) -> None:
    world = World(policy, seed)
    withholder, other = world.clients

    world.tell(story)
    world.settle(withholder)

    assert set(other.results) == set(other.submitted)
    assert other.confirmed == set(other.submitted)
    for session in world.play.state.sessions.values():
        assert all(task.session.peer == withholder.peer for task in session.tasks.values())


@drawn(100)
@given(
    engines=st.integers(2, 4),
    tasks=st.integers(1, 10),
    deadly=st.integers(0, 9),
    order=st.lists(st.integers(0, 3), max_size=20),
    policy=st.sampled_from(sorted(POLICIES)),
    seed=st.integers(0, 1000),
)
def test_a_deadly_task_is_blamed_and_leaves_an_engine_for_the_others(
    engines: int, tasks: int, deadly: int, order: list[int], policy: str, seed: int
) -> None:
    world = World(policy, seed, engines=engines, kept=1000)
    client = world.clients[0]
    for _ in range(tasks):
        client.submit(None, Options(), b"f", 0)
    kills = {client.submitted[deadly % tasks]}

    for who in [*order, *list(range(engines)) * (tasks + 4)]:
        world.live_or_die(world.engines[who % engines], kills)

    assert set(client.results) == set(client.submitted)
    assert {id_ for id_, its in client.results.items() if its.outcome.status == Status.LOST} == kills
    assert all(its.outcome.status == Status.OK for id_, its in client.results.items() if id_ not in kills)
    assert world.play.state.engines
