"""The one loop that asks launchers: each about all at once, often at first, and nobody delays the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from engineroom.cluster.launchers.launcher import Handle, Polled, State, Status
from engineroom.cluster.launchers.own import OwnLauncher
from engineroom.cluster.launchers.pace import LATER, SOON, Pace
from engineroom.cluster.launchers.polling import Polling
from engineroom.errors import LaunchError
from engineroom.machine.pulse import Pulse
from engineroom.settings.launchers import BaseLauncher
from tests.patience import SECONDS

RUNNING = Status(State.RUNNING)


class Single(Polled):
    """A launcher that is asked about one handle at a time, and may take its time to answer."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.free, self.begun = asyncio.Event(), asyncio.Event()
        self.free.set()

    async def start(self, command: Any) -> Handle:
        raise AssertionError(command)

    async def poll(self, handle: Handle) -> Status:
        self.asked.append(handle)
        self.begun.set()
        await self.free.wait()
        if "problem" in handle:
            raise LaunchError(handle["problem"])
        return RUNNING

    async def signal(self, handle: Handle, signum: int) -> None:
        raise AssertionError(handle)

    async def stop(self, handle: Handle) -> None:
        raise AssertionError(handle)


class Batch(Single):
    """One that can be asked about many."""

    async def poll_all(self, handles: Sequence[Handle]) -> Sequence[Status | LaunchError]:
        self.asked.append(list(handles))
        await self.free.wait()
        return [RUNNING for _ in handles]


class Ears:
    """Hear what is said, by number."""

    def __init__(self, polling: Polling) -> None:
        self.polling, self.heard, self.pulse = polling, list[tuple[int, Any]](), Pulse()

    def watch(self, launcher: Any, number: int, **handle: Any) -> Any:
        def hear(said: Any) -> None:
            self.heard.append((number, said))
            self.pulse.beat()

        return self.polling.watch(launcher, {"job": number, **handle}, hear)

    async def until(self, number: int, times: int = 1) -> None:
        await self.pulse.until(lambda: sum(each[0] == number for each in self.heard) >= times)


def play(story: Callable[[Ears], Awaitable[None]], pace: Pace | None = None) -> None:
    async def whole() -> None:
        await story(Ears(Polling(pace or Pace())))

    asyncio.run(asyncio.wait_for(whole(), SECONDS))


def test_it_is_often_at_first_and_seldom_later_and_at_once_in_a_hurry() -> None:
    pace = Pace()
    assert pace.next < 0
    pace.asked(100.0, [90.0, 0.0])
    assert pace.next == 100.0 + SOON
    pace.asked(100.0, [100.0 - LATER, 0.0])
    assert pace.next == 100.0 + LATER
    pace.hurry()
    assert pace.next < 0


def test_many_are_asked_about_at_once() -> None:
    async def story(ears: Ears) -> None:
        launcher = Batch()
        watched = [ears.watch(launcher, number) for number in range(3)]
        await ears.until(2)
        assert launcher.asked == [[{"job": 0}, {"job": 1}, {"job": 2}]]
        assert ears.heard == [(0, RUNNING), (1, RUNNING), (2, RUNNING)]
        for each in watched:
            ears.polling.drop(each)

    play(story)


def test_and_again_and_again_until_they_are_dropped() -> None:
    async def story(ears: Ears) -> None:
        launcher = Batch()
        first, second = ears.watch(launcher, 1), ears.watch(launcher, 2)
        await ears.until(2, times=3)
        ears.polling.drop(first)
        before = len(launcher.asked)
        await ears.until(2, times=6)
        assert launcher.asked[-1] == [{"job": 2}]
        assert len(launcher.asked) > before
        ears.polling.drop(second)

    play(story, Pace(soon=0.01))


def test_one_that_is_slow_delays_no_other_and_is_asked_once_more_for_news_that_came_meanwhile() -> None:
    async def story(ears: Ears) -> None:
        slow, quick = Single(), Single()
        slow.free.clear()
        first = ears.watch(slow, 1)
        second = ears.watch(quick, 2)
        await ears.until(2)
        ears.polling.look()
        await ears.until(2, times=2)
        assert len(slow.asked) == 1
        slow.free.set()
        await ears.until(1, times=2)
        ears.polling.drop(first)
        ears.polling.drop(second)

    play(story)


def test_whoever_is_dropped_while_it_is_asked_hears_nothing_more() -> None:
    async def story(ears: Ears) -> None:
        slow = Single()
        slow.free.clear()
        watched = ears.watch(slow, 1)
        await slow.begun.wait()
        ears.polling.drop(watched)
        slow.free.set()
        again = ears.watch(slow, 2)
        await ears.until(2)
        assert [number for number, _ in ears.heard] == [2]
        ears.polling.drop(again)

    play(story)


def test_a_problem_with_one_is_none_with_the_others() -> None:
    async def story(_: Ears) -> None:
        good, bad = await Single().poll_all([{}, {"problem": "no"}])
        assert good == RUNNING
        assert isinstance(bad, LaunchError)

    play(story)


class Own(BaseLauncher):
    """A user's, with plain functions."""

    answer: Any = None

    def start(self, command: Any) -> Handle:
        raise AssertionError(command)

    def poll(self, handle: Handle) -> Any:
        if "problem" in handle:
            raise LaunchError("no")
        return RUNNING

    def signal(self, handle: Handle, signum: int) -> None:
        raise AssertionError(handle)

    def stop(self, handle: Handle) -> None:
        raise AssertionError(handle)


class OwnOfMany(Own):
    """One that can be asked about many."""

    def poll_all(self, handles: Sequence[Handle]) -> Any:
        return self.answer if self.answer is not None else [RUNNING for _ in handles]


@pytest.mark.parametrize("options", [Own(), OwnOfMany()])
def test_a_users_own_launcher_may_know_one_or_many(options: Own) -> None:
    launcher = OwnLauncher(options)
    assert asyncio.run(launcher.poll_all([{}, {}])) == [RUNNING, RUNNING]


def test_of_a_users_own_launcher_one_that_fails_hides_no_other() -> None:
    good, bad = asyncio.run(OwnLauncher(Own()).poll_all([{}, {"problem": ""}]))
    assert (good, str(bad)) == (RUNNING, "no")


@pytest.mark.parametrize(("answer", "words"), [(7, "not 7"), ([RUNNING], r"a Status for each of 2 handles, not \[")])
def test_what_it_returns_is_checked(answer: Any, words: str) -> None:
    options = OwnOfMany()
    options.answer = answer
    with pytest.raises(LaunchError, match=words):
        asyncio.run(OwnLauncher(options).poll_all([{}, {}]))


def test_what_is_no_status_among_others_is_a_problem_of_its_own() -> None:
    options = OwnOfMany()
    options.answer = [RUNNING, "running"]
    good, bad = asyncio.run(OwnLauncher(options).poll_all([{}, {}]))
    assert good == RUNNING
    assert "'running' among them" in str(bad)


def test_where_nothing_can_be_queried_each_hears_why() -> None:
    async def story(ears: Ears) -> None:
        options = OwnOfMany()
        options.answer = 7
        launcher = OwnLauncher(options)
        watched = [ears.watch(launcher, 1), ears.watch(launcher, 2)]
        await ears.until(2)
        assert all(isinstance(said, LaunchError) for _, said in ears.heard)
        for each in watched:
            ears.polling.drop(each)

    play(story)
