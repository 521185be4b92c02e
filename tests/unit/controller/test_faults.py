"""A mistake in the handler of any event: told in the log, paid for by whoever found it, and the end of the controller
only if it damaged the state.

The world of the core's stories is played against a controller without sockets, until an event of the wanted kind comes;
its handler is then made to fail: once it has changed all that it changes, somewhere on the way, or with damage.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest

from engineroom.controller import shell
from engineroom.controller.config import ControllerConfig
from engineroom.controller.links import Link
from engineroom.controller.shell import Controller
from engineroom.core.actions import Action
from engineroom.core.events import ClientUp, EngineUp, Event, HostUp, RecordedEnds, Restored, RestoredTasks
from engineroom.core.limits import Limits
from engineroom.core.not_allowed import NotAllowedError
from engineroom.core.reactor import handle
from engineroom.core.state import ControllerState
from engineroom.ids import Peer
from tests.unit.core.checks import Lines
from tests.unit.core.pretend import Play
from tests.unit.core.world import KEEPING_STEPS, STEPS, World

EARLY = (Restored, RestoredTasks, RecordedEnds)
KINDS = sorted(kind.__name__ for kind in get_args(Event) if kind not in EARLY)
"""All but those that come before anybody is there."""
KEEPING = {"Forget", "Keep", "KeptHere", "KeptLost"}
NEW = (ClientUp, EngineUp, HostUp)
"""Whoever joins has no link yet."""


class MistakeError(Exception):
    """What a mistake in the core raises."""


class MetError(Exception):
    """The story has come to the mistake."""


class Told:
    """A connection that keeps why it was ended."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def refuse(self, words: str) -> None:
        self.refused.append(words)


class Clock:
    """In the place of a loop: the time of the play."""

    def __init__(self, play: Play) -> None:
        self.time = lambda: play.now


class Failing:
    """A handler that fails once: with all done that it does, and `damage`, or (`line`) on the way."""

    def __init__(self, damage: Callable[[ControllerState], None] = lambda _: None, *, line: int = 0) -> None:
        self._damage, self._line = damage, line
        self.failed = False

    def __call__(self, state: ControllerState, peer: Peer, event: Event, *, now: float, rng: Random) -> list[Action]:
        if self.failed:  # what undoes it succeeds
            return handle(state, peer, event, now=now, rng=rng)
        try:
            with Lines(self._line, MistakeError("on the way")):
                actions = handle(state, peer, event, now=now, rng=rng)
        except MistakeError:
            self.failed = True
            raise
        if self._line:
            return actions  # it has fewer lines
        self.failed = True
        self._damage(state)
        raise MistakeError("after all")


class Mistaken(Play):
    """A core in a controller, whose handler of one kind of event is `failing`."""

    def __init__(self, limits: Limits, seed: int, *, directory: Path, kind: str, failing: Failing, story: int) -> None:
        super().__init__(limits, seed)
        self.story = story
        self.controller: Any = Controller(ControllerConfig(security_dir=str(directory)))
        self.controller.state = self.state
        self.controller.enter_loop(Clock(self))
        self.done: list[Action] = []
        self.controller.perform = self.done.extend
        self.kind, self.failing = kind, failing
        self.connection = Told()
        self.event: Event | None = None
        self.peer = Peer(0)
        self.came = False

    def alone(self, peer: int, event: Event) -> list[Action]:
        if (kind := type(event).__name__) != self.kind:
            if not KEEPING & {kind, self.kind}:  # those have stories of another kind
                _first.setdefault(kind, self.story)
            return super().alone(peer, event)
        self.came = True
        connection: Any = self.connection
        if peer and not isinstance(event, NEW):
            self.controller.links.add(Link(Peer(peer), "client", connection, b"i" * 16))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shell, "handle", self.failing)
            actions: list[Action] = self.controller.decide(Peer(peer), event)
        if not self.failing.failed:
            self.controller.links.by_peer.clear()
            if self.connection.refused:
                raise NotAllowedError(self.connection.refused.pop())
            return actions
        self.event, self.peer = event, Peer(peer)
        self.done += actions
        raise MetError


_first: dict[str, int] = {}
"""A story in which an event of a kind comes: some are rare, and the stories before need not be told again."""


def play(directory: Path, kind: str, failing: Failing) -> Mistaken:
    """Return the core of a story that has come to an event of `kind` and failed on it."""
    for seed in range(_first.get(kind, 0), 200):
        rng = Random(seed)
        made: list[Mistaken] = []

        def make(limits: Limits, dice: int, made: list[Mistaken] = made, story: int = seed) -> Mistaken:
            made.append(Mistaken(limits, dice, directory=directory, kind=kind, failing=failing, story=story))
            return made[0]

        try:
            world = World("leastload", seed, play=make)
            for client in world.clients:
                client.up()
            for _ in range(100):
                world.step(
                    rng.randrange(KEEPING_STEPS if kind in KEEPING else STEPS), rng.randrange(12), rng.randrange(60)
                )
        except MetError:
            _first.setdefault(kind, seed)
            return made[0]
        if made[0].came:
            _first.setdefault(kind, seed)
    raise AssertionError(f"no story has failed on {kind}")


def told_once(caplog: pytest.LogCaptureFixture, its: Mistaken) -> None:
    """The log has the event, and what it touched."""
    told = [record for record in caplog.records if record.getMessage().startswith("a mistake in the controller")]
    assert len(told) == 1
    assert told[0].exc_info is not None
    assert its.kind in told[0].getMessage()
    assert its.kind in told[0].__dict__["event"] or its.kind == "Large"
    assert "actions" in told[0].__dict__["touched"]
    assert told[0].__dict__["peer"] == its.peer


def goes_on(its: Mistaken) -> None:
    """The controller lives, without the peer that found the mistake."""
    assert not its.controller.faults.fatal
    assert not its.controller.stop_reason
    its.state.check()
    if isinstance(its.event, NEW):
        assert its.peer not in its.state.clients
        assert its.peer not in its.state.engine_peers
    elif its.peer:
        assert its.connection.refused == [
            f"the controller failed on a message of this peer ({its.kind}); its log has the details"
        ]


def ends(its: Mistaken, words: str) -> None:
    """The controller ends, and says why."""
    assert f"a mistake in the controller has damaged its state (MistakeError: {words})" in its.controller.stop_reason
    assert its.controller.stop_reason == its.controller.faults.fatal
    assert its.connection.refused == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_that_damages_nothing_costs_its_finder_the_connection(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    its = play(tmp_path, kind, Failing())

    told_once(caplog, its)
    goes_on(its)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_that_damages_the_state_ends_the_controller(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def damage(state: ControllerState) -> None:
        state.granted += 1

    its = play(tmp_path, kind, Failing(damage))

    told_once(caplog, its)
    ends(its, "after all")
    assert any(record.getMessage() == "the controller's state is damaged" for record in caplog.records)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("line", [3, 14, 30])
def test_a_mistake_on_the_way_is_one_or_the_other(
    kind: str, line: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    its = play(tmp_path, kind, Failing(line=line))

    told_once(caplog, its)
    if its.controller.faults.fatal:
        ends(its, "on the way")
        with pytest.raises(Exception):  # noqa: B017, PT011 (whatever is broken)
            its.state.check()
    else:
        goes_on(its)


def test_a_state_that_cannot_be_looked_at_is_told_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def damage(state: ControllerState) -> None:
        state.clients = None  # type: ignore[assignment]

    its = play(tmp_path, "Delivered", Failing(damage))

    ends(its, "after all")
    [told] = [record for record in caplog.records if "cannot be handled" in record.getMessage()]
    assert "it cannot be looked at: AttributeError" in told.__dict__["touched"]["state"]
