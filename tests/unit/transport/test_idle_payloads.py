"""Payloads that came back and may be needed still: when they are copied, and which never are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from engineroom.transport.idle_payloads import AFTER, IdlePayloads


class Clock:
    """A loop of which only the clock goes."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, act: Callable[[], object]) -> object:
        self.calls.append((self.now + seconds, act))
        return act

    def go_on(self, seconds: float) -> None:
        self.now += seconds
        due = [call for call in self.calls if call[0] <= self.now]
        self.calls = [call for call in self.calls if call[0] > self.now]
        for _, act in due:
            act()


class Held:
    """A payload that is needed."""

    def __init__(self, size: int = 1 << 20) -> None:
        self.size = size
        self.copied = False

    def keep(self) -> bool:
        self.copied = True
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def idle(clock: Clock) -> IdlePayloads:
    return IdlePayloads(cast("asyncio.AbstractEventLoop", clock), 64 << 20)


def add(idle: IdlePayloads, *payloads: Held) -> None:
    for payload in payloads:
        idle.add(payload)


def test_a_payload_that_is_needed_for_long_is_copied(clock: Clock, idle: IdlePayloads) -> None:
    first, second = Held(), Held()
    add(idle, first)
    clock.go_on(AFTER / 2)
    add(idle, second)
    assert not first.copied
    clock.go_on(AFTER / 2)
    assert (first.copied, second.copied) == (True, False)
    clock.go_on(AFTER / 2)
    assert second.copied
    assert not clock.calls


def test_one_that_nobody_needs_any_more_is_none_to_copy(clock: Clock, idle: IdlePayloads) -> None:
    for _ in range(200):
        add(idle, Held())  # gone at once
    last = Held()
    add(idle, last)
    assert not last.copied
    clock.go_on(AFTER)
    assert last.copied


def test_beyond_a_bound_the_oldest_are_copied_at_once(idle: IdlePayloads) -> None:
    large = [Held(4 << 20) for _ in range(17)]
    add(idle, *large)
    assert [each.copied for each in large] == [True] + [False] * 16


def test_large_ones_are_copied_only_beyond_the_bound(clock: Clock, idle: IdlePayloads) -> None:
    large = [Held(20 << 20) for _ in range(3)]
    add(idle, *large)
    clock.go_on(2 * AFTER)
    assert not any(each.copied for each in large)
    little = [Held() for _ in range(5)]
    add(idle, *little)
    assert [each.copied for each in (*large, *little)] == [True] + [False] * 7
    add(idle, Held(20 << 20))
    assert [each.copied for each in (*large, *little)] == [True, True] + [False] * 6


def test_many_small_ones_are_bounded_too(idle: IdlePayloads) -> None:
    small = [Held(1) for _ in range(258)]
    add(idle, *small)
    assert [each.copied for each in small] == [True] * 2 + [False] * 256


def test_others_have_their_turn_while_many_are_copied(clock: Clock, idle: IdlePayloads) -> None:
    many = [Held() for _ in range(20)]
    add(idle, *many)
    clock.go_on(AFTER)
    assert sum(each.copied for each in many) == 8
    clock.go_on(0.0)
    assert sum(each.copied for each in many) == 16
    clock.go_on(0.0)
    assert all(each.copied for each in many)
