"""Each policy, alone."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from engineroom.core.engines import CLOSED, Engine
from engineroom.core.policies import POLICIES, LeastLoad, Lru, PlainRandom, Policy, Pure, TwoBin, Weighted
from engineroom.protocol.messages import EngineInfo
from tests.unit.core.pretend import instance_id


def engines(number: int) -> list[Engine]:
    return [Engine(id_, instance_id(id_), EngineInfo()) for id_ in range(number)]


def fill(policy: Policy, levels: dict[Engine, int]) -> None:
    for engine, level in levels.items():
        engine.load = float(level)
        policy.update(engine, level)


def picked(policy: Policy, times: int) -> list[int]:
    rng = Random(1)
    chosen = [policy.pick(rng) for _ in range(times)]
    return [engine.id for engine in chosen if engine is not None]


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_nobody_has_room(name: str) -> None:
    policy = POLICIES[name]()
    one, two = engines(2)
    fill(policy, {one: 0, two: 3})
    fill(policy, {one: CLOSED, two: CLOSED})
    policy.update(one, CLOSED)

    assert policy.pick(Random(1)) is None


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_whoever_comes_back_is_found_again(name: str) -> None:
    policy = POLICIES[name]()
    (one,) = engines(1)
    for level in (0, 4, CLOSED, 2, CLOSED, 0, CLOSED, 1):
        policy.update(one, level)

    assert policy.pick(Random(1)) is one


@pytest.mark.parametrize("name", sorted(POLICIES.keys() - {"pure"}))
def test_idle_engines_go_first(name: str) -> None:
    policy = POLICIES[name]()
    one, two, three = engines(3)
    fill(policy, {one: 5, two: 0, three: 1})

    assert set(picked(policy, 20)) == {1}


def test_leastload_takes_the_least_loaded_and_of_equals_the_longest_so() -> None:
    one, two, three = engines(3)
    policy = LeastLoad()
    fill(policy, {one: 4, two: 2, three: 2})

    assert policy.pick(Random(1)) is two
    policy.update(two, 3)
    assert policy.pick(Random(1)) is three
    policy.update(three, CLOSED)
    assert policy.pick(Random(1)) is two


def test_lru_takes_who_has_waited_longest() -> None:
    policy = Lru()
    fill(policy, dict.fromkeys(engines(3), 0))

    assert picked(policy, 5) == [0, 1, 2, 0, 1]


def test_pure_goes_round_whatever_the_load() -> None:
    one, two, three = engines(3)
    policy = Pure()
    fill(policy, {one: 7, two: 0, three: 3})

    assert picked(policy, 5) == [0, 1, 2, 0, 1]


def test_plainrandom_takes_all_alike() -> None:
    policy = PlainRandom()
    fill(policy, {engine: engine.id + 1 for engine in engines(4)})

    counts = Counter(picked(policy, 4000))
    assert all(900 < counts[id_] < 1100 for id_ in range(4))


def test_twobin_prefers_the_less_loaded_of_two() -> None:
    policy = TwoBin()
    fill(policy, {engine: engine.id + 1 for engine in engines(4)})

    counts = Counter(picked(policy, 4000))
    assert counts[0] > counts[1] > counts[2] > counts[3] > 0
    assert counts[0] == pytest.approx(4000 * 7 / 16, rel=0.1)


def test_weighted_goes_by_the_inverse_of_the_number_of_tasks() -> None:
    one, two = engines(2)
    policy = Weighted()
    two.held = {bytes([n]): None for n in range(3)}  # type: ignore[dict-item, misc]  # only their number matters
    fill(policy, {one: 1, two: 1})

    counts = Counter(picked(policy, 4000))
    assert counts[0] / counts[1] == pytest.approx(4, rel=0.2)
