"""The controller of a host through all its lives: which one is in its place, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engineroom.cluster.seats.lasting import LastingSeat
from engineroom.cluster.seats.seat import NoController, OnEnd
from tests.patience import SECONDS, turns


class Seat:
    """A controller that does as the test says."""

    def __init__(self, number: int, log: list[str]) -> None:
        self.number, self._log = number, log
        self.problem = ""
        self.starts: asyncio.Future[None] | None = None
        self.on_end: OnEnd = lambda *_: None

    async def start(self, on_end: OnEnd) -> None:
        self.on_end = on_end
        self._log.append(f"start {self.number}")
        if self.starts is not None:
            await self.starts
        if self.problem:
            raise NoController(self.problem)

    def stop(self, reason: str) -> None:
        self._log.append(f"stop {self.number}: {reason}")

    def kill(self) -> None:
        self._log.append(f"kill {self.number}")

    async def leave(self) -> None:
        self._log.append(f"leave {self.number}")

    async def ended(self) -> None:
        self._log.append(f"ended {self.number}")

    def state(self) -> dict[str, Any]:
        return {"pid": self.number, "port": 4000}


class Place:
    """A seat that lasts, with all that happens to it."""

    def __init__(self, *, restarts: bool = True) -> None:
        self.log: list[str] = []
        self.seats = [Seat(0, self.log)]
        self.ends: list[tuple[str, bool]] = []
        self.prepare: Callable[[Seat], None] = lambda _: None
        self.seat = LastingSeat(self.seats[0], self._another if restarts else None)
        self.seat.watch(self)

    def _another(self) -> Seat:
        seat = Seat(len(self.seats), self.log)
        self.prepare(seat)
        self.seats.append(seat)
        return seat

    def controller_fallen(self, words: str, pause: float) -> None:
        self.log.append(f"fallen: {words}, {pause:g} s")

    def controller_back(self, port: int) -> None:
        assert port == 4000
        self.log.append("back")

    def on_end(self, words: str, clean: bool) -> None:
        self.ends.append((words, clean))

    async def start(self) -> None:
        await self.seat.start(self.on_end)

    async def die(self, *, clean: bool = False) -> None:
        self.seats[-1].on_end("killed", clean)
        await turns(20)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(SECONDS):
            await story()

    asyncio.run(whole())


def test_another_one_takes_its_place_and_the_host_is_told() -> None:
    place = Place()

    async def story() -> None:
        await place.start()
        await place.die()
        state = place.seat.state()
        assert (state["pid"], state["restarts"], state["last_end"]["words"]) == (1, 1, "killed")
        place.seat.stop("enough")
        await place.seat.ended()

    run(story)
    assert place.log == [
        "start 0",
        "fallen: killed, 0 s",
        "leave 0",
        "start 1",
        "back",
        "stop 1: enough",
        "ended 1",
    ]
    assert place.ends == []


def test_one_that_dies_before_its_start_has_been_heard_of_is_started_again() -> None:
    place = Place()

    async def story() -> None:
        place.seats[0].starts = asyncio.get_running_loop().create_future()
        starting = asyncio.ensure_future(place.start())
        await turns(3)
        place.seats[0].on_end("killed", False)
        place.seats[0].starts.set_result(None)
        await starting
        await turns(20)
        assert place.seat.state()["pid"] == 1
        place.seat.stop("")
        await place.seat.ended()

    run(story)
    assert place.log[1:5] == ["fallen: killed, 0 s", "leave 0", "start 1", "back"]


def test_an_end_in_order_and_one_without_restarts_end_the_host() -> None:
    for place, clean in ((Place(), True), (Place(restarts=False), False)):

        async def story(place: Place = place, clean: bool = clean) -> None:
            await place.start()
            await place.die(clean=clean)

        run(story)
        assert place.log == ["start 0"]
        assert place.ends == [("killed", clean)]


def test_a_start_that_fails_is_told_to_whoever_waits_for_it() -> None:
    place = Place()
    place.seats[0].problem = "the port is taken"
    with pytest.raises(NoController, match="the port is taken"):
        run(place.start)
    assert place.log == ["start 0"]


@pytest.mark.parametrize("when", ["while the next one starts", "while it waits for its turn"])
def test_once_it_is_stopped_none_is_started_any_more(when: str) -> None:
    place = Place()

    def slow(seat: Seat) -> None:
        seat.starts = asyncio.get_running_loop().create_future()

    async def story() -> None:
        await place.start()
        if when == "while the next one starts":
            place.prepare = slow
        else:
            await place.die()  # the second death in a row is followed by a pause
        await place.die()
        place.seat.stop("enough")
        await place.seat.ended()
        await turns(50)

    run(story)
    assert "start 2" not in place.log
    assert place.log[-2:] == ["stop 1: enough", "ended 1"]
    assert place.ends == []


def test_what_cannot_be_started_again_is_tried_again_and_then_given_up_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engineroom.cluster.lives.restarted.pause", lambda _: 0.0)
    place = Place()

    def broken(seat: Seat) -> None:
        seat.problem = "no memory"

    async def story() -> None:
        await place.start()
        place.prepare = broken
        await place.die()
        await turns(100)

    run(story)
    assert place.log.count("leave 0") == 1
    assert [line for line in place.log if line.startswith("start")] == [f"start {number}" for number in range(5)]
    ((words, clean),) = place.ends
    assert words.startswith("no memory; the controller is not restarted again, because it died 5 times")
    assert not clean
