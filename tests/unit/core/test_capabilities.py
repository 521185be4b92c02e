"""Resources and tags: a task runs only where there is all that it asks for; else it waits, and that is said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engineroom.core.capabilities import Asks, has, in_words, nobody_has
from engineroom.core.events import EngineUp
from engineroom.core.explain import explain_task
from engineroom.protocol.messages import EngineInfo, Finished, Options, Run, Terms
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import OK, Death, Play, instance_id, submit, task

GPU = Options(terms=Terms(resources=(("gpu", 1.0),)))
GIB = float(2**30)


def up(play: Play, peer: int, number: int, **has_: object) -> None:
    play(peer, EngineUp(instance_id(number), EngineInfo(**has_)))  # type: ignore[arg-type]  # resources and tags


def runs(play: Play, peer: int, event: object) -> list[int]:
    return [message.task[-1] for to, message in play.sent(peer, event) if isinstance(message, Run)]  # type: ignore[arg-type]


def test_a_task_runs_only_where_there_is_what_it_asks_for(play: Play) -> None:
    up(play, ENGINE_0, 0)
    up(play, ENGINE_1, 1, resources=(("gpu", 1.0),))
    for number in range(1, 4):
        play(CLIENT, submit(number, options=GPU))
    play(CLIENT, submit(4))
    assert {held.number for held in play.state.engines[0].held.values()} == {4}
    assert all(held.number != 4 for held in play.state.engines[1].held.values())


def test_a_task_that_asks_for_what_nobody_has_waits_for_it(play: Play) -> None:
    up(play, ENGINE_0, 0, resources=(("memory", 2 * GIB),), tags=("big",))
    wanted = Terms(resources=(("gpu", 1.0), ("memory", 4 * GIB)), tags=("big",))
    play(CLIENT, submit(1, options=Options(terms=wanted)))
    assert explain_task(play.state, task(1)).why == (
        "no engine has gpu >= 1, memory >= 4 GiB and the tag 'big' (the most that one has: gpu 0, memory 2 GiB): start "
        "engines with `ipcluster engines -n 1 --resources gpu=1,memory=4GiB --tags big`"
    )
    assert runs(play, CLIENT, submit(2)) == [2]  # nobody waits behind it
    sent = play.sent(
        ENGINE_1, EngineUp(instance_id(1), EngineInfo(resources=(("gpu", 2.0), ("memory", 4 * GIB)), tags=("big",)))
    )
    assert [message.task for _, message in sent if isinstance(message, Run)] == [task(1)]


def test_it_still_waits_when_the_only_engine_that_had_it_is_gone(play: Play) -> None:
    up(play, ENGINE_0, 0)
    up(play, ENGINE_1, 1, resources=(("gpu", 1.0),))
    play(ENGINE_1, Death("gone"))
    play(CLIENT, submit(1, options=GPU))
    assert task(1) not in play.state.engines[0].held
    assert "no engine has gpu >= 1" in explain_task(play.state, task(1)).why


def test_an_idle_engine_takes_nothing_from_others_that_it_may_not_run(play: Play) -> None:
    up(play, ENGINE_0, 0, resources=(("gpu", 1.0),))
    for number in (1, 2):
        play(CLIENT, submit(number, options=GPU))
    up(play, ENGINE_1, 1)
    assert not play.state.engines[1].held


def test_the_time_limit_is_no_need_of_its_own_and_travels_with_the_run(two: Play) -> None:
    limited = Options(terms=Terms(3.0))
    sent = two.sent(CLIENT, submit(1, options=limited))
    assert [message.terms for _, message in sent if isinstance(message, Run)] == [Terms(3.0)]
    two(CLIENT, submit(2))
    assert len(two.state.pools) == 1


def test_a_higher_priority_goes_first(play: Play) -> None:
    up(play, ENGINE_0, 0)
    play(CLIENT, submit(1))
    for number, priority in ((2, 0), (3, 5), (4, -1), (5, 5)):
        play(CLIENT, submit(number, options=Options(priority=priority)))
    order = []
    for count in range(1, 6):
        held = next(iter(play.state.engines[0].held.values()))
        order.append(held.number)
        play(ENGINE_0, Finished(count, held.id, held.attempt, OK))
    assert order[0] == 1
    assert order.index(3) < order.index(5) < order.index(4)


NAMES = st.sampled_from(["gpu", "memory", "x"])
AMOUNTS = st.floats(0.5, 100.0)
RESOURCES = st.dictionaries(NAMES, AMOUNTS).map(lambda found: tuple(sorted(found.items())))
TAGS = st.frozensets(st.sampled_from(["a", "b"])).map(lambda found: tuple(sorted(found)))


@given(RESOURCES, TAGS, RESOURCES, TAGS)
def test_an_engine_has_it_if_it_has_as_much_of_each(
    there: tuple[tuple[str, float], ...],
    tags: tuple[str, ...],
    wanted: tuple[tuple[str, float], ...],
    named: tuple[str, ...],
) -> None:
    info, asks = EngineInfo(resources=there, tags=tags), Asks(wanted, named)
    enough = all(any(name == other and amount <= most for other, most in there) for name, amount in wanted)
    assert has(info, asks) == (enough and all(tag in tags for tag in named))
    if wanted or named:
        assert in_words(asks) in nobody_has(asks, [info])
