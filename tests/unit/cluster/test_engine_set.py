"""What a host knows of its engines."""

from __future__ import annotations

from engineroom.cluster.lives.short_lives import MOST_SHORT_LIVES, STABLE_SECONDS
from engineroom.cluster.sets.hosted import HostedEngine, HostedEngines, Turn, ready_ids
from engineroom.ids import new_instance


def begin_life(engine: HostedEngine, now: float) -> None:
    engine.begin_life(now, b"secret")


def test_engines_are_numbered_through_all_sets() -> None:
    engines = HostedEngines()
    first, second = engines.new_set(), engines.new_set("mine")
    keys = [engines.add(name, wants_key_as_id=True).key for name in (first, first, second)]
    assert keys == [0, 1, 2]
    assert {name: [engine.key for engine in each] for name, each in engines.sets().items()} == {
        "1": [0, 1],
        "mine": [2],
    }
    assert [engine.key for engine in engines.in_set("")] == [0, 1, 2]


def test_an_engine_is_found_by_the_instance_of_its_present_life_as_long_as_it_is_there() -> None:
    engines = HostedEngines()
    engine, other = (engines.add("1", wants_key_as_id=True) for _ in range(2))
    first, second = new_instance(), new_instance()
    engines.identify(engine, first)
    engines.identify(other, new_instance())
    engines.identify(engine, second)
    assert (engines.of(first), engines.of(second)) == (None, engine)
    engines.retire(engine)
    assert (engines.of(second), engines.last_known_as(second), engines.count("1")) == (None, engine, 1)
    engines.recall(engine)
    engines.identify(engine, first)
    assert (engines.of(first), engines.in_set("1")) == (engine, [other, engine])
    engines.drop(engine)
    engines.drop(other)
    assert (engines.of(first), engines.sets(), engines.count("1")) == (None, {}, 0)


def test_a_new_life_asks_for_the_id_of_the_last_one() -> None:
    engine = HostedEngines().add("1", wants_key_as_id=False)
    begin_life(engine, 0.0)
    assert engine.wanted_id is None
    engine.engine_id, engine.ready = 5, True
    engine.go(Turn.FALL)
    begin_life(engine, 1.0)
    assert (engine.wanted_id, engine.ready) == (5, False)
    assert ready_ids([engine]) == []


def test_an_engine_that_keeps_dying_waits_longer_each_time() -> None:
    engine = HostedEngines().add("1", wants_key_as_id=True)
    pauses = []
    for _ in range(4):
        begin_life(engine, 100.0)
        engine.go(Turn.FALL)
        engine.fallen(100.1)
        pauses.append(engine.pause)
    assert pauses == [0.0, 0.5, 1.0, 2.0]
    assert not engine.worn_out
    engine.fallen(100.0 + STABLE_SECONDS)
    assert engine.pause == 0.0
    for _ in range(MOST_SHORT_LIVES):
        assert not engine.worn_out
        engine.fallen(100.1)
    assert engine.worn_out
