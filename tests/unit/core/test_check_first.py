"""Handlers check first and then change: whichever check fails, nothing has happened yet.

What a check is stands in `checks`. In random stories, of all that the world knows, every event is handled with its
first check failing, then with its second, and so on until it is handled in peace. Each time the state must be as it
was, to the last field, and no action may be left; and an event that a check keeps from being applied leaves both so.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import get_args

from engineroom.core.actions import Action, Send
from engineroom.core.events import Event, RecordedEnd, RecordedEnds, Restored, RestoredTask, RestoredTasks
from engineroom.core.limits import Limits
from engineroom.core.not_allowed import NotAllowedError
from engineroom.core.policies import POLICIES
from engineroom.core.reactor import handle
from engineroom.ids import Peer
from engineroom.protocol.messages import Refused
from tests.examples import thorough
from tests.unit.core.checks import Check, InjectedError, Tracer, checks, raised_in_the_core
from tests.unit.core.digests import digest
from tests.unit.core.pretend import NO_PEER, Play, result, session_id, submit
from tests.unit.core.restarts import RestartedWorld
from tests.unit.core.world import KEEPING_STEPS, STEPS, World

WITHOUT_CHECKS = {
    "Began",
    "ClientUp",
    "Committed",
    "Dismiss",
    "EngineUp",
    "FunctionComing",
    "FunctionHere",
    "HostSays",
    "HostUp",
    "Quiet",
    "RecordedEnds",
    "Restored",
    "RestoredTasks",
    "Tick",
}
"""These are applied, or each part of them is, whatever they say; an EngineUp may be answered with a Refused."""


class Injected(Play):
    """A core in which every check fails once before an event is handled."""

    def __init__(self, limits: Limits, seed: int) -> None:
        super().__init__(limits, seed)
        self.kinds: Counter[str] = Counter()
        """How many checks failed, by the kind of event."""
        self.failed: set[Check] = set()
        self.refused: set[str] = set()
        """The kinds of events that were refused in words."""

    def alone(self, peer: int, event: Event) -> list[Action]:
        kind, before = type(event).__name__, digest(self.state)
        self.kinds[kind] += 0
        for number in range(1, 100):
            tracer = Tracer(checks(), fails=number)
            try:
                actions = self._handled(peer, event, tracer)
            except InjectedError:
                self.kinds[kind] += 1
                self.failed.add(tracer.reached[-1])
                self._is_untouched(before, [], tracer)
                continue
            except NotAllowedError:
                self.refused.add(kind)
                self._is_untouched(before, [], tracer)
                raise
            if any(isinstance(action, Send) and isinstance(action.message, Refused) for action in actions):
                self.refused.add(kind)
                self._is_untouched(before, actions, tracer)
            self.state.check()
            return actions
        raise AssertionError(f"{event} is checked for ever")

    def _handled(self, peer: int, event: Event, tracer: Tracer) -> list[Action]:
        with tracer:
            return handle(self.state, Peer(peer), event, now=self.now, rng=self.rng)

    def _is_untouched(self, before: list[object], actions: list[Action], tracer: Tracer) -> None:
        """Nothing has changed, and nothing is to be done but for `actions`."""
        assert digest(self.state) == before, f"changed before the last of {tracer.reached}"
        assert self.state.out == actions, f"decided before the last of {tracer.reached}"
        self.state.check()


def told(seed: int) -> Injected:
    """Return the core of a story in which every check has failed."""
    rng, policies = Random(seed), sorted(POLICIES)
    world = World(policies[seed % len(policies)], seed, play=Injected)
    for client in world.clients:
        client.up()
    for _ in range(100):
        world.step(rng.randrange(STEPS), rng.randrange(12), rng.randrange(60))
    for _ in range(20):
        world.step(rng.randrange(STEPS, KEEPING_STEPS), rng.randrange(12), rng.randrange(60))
        world.step(rng.choice((13, 14, 15)), rng.randrange(12), rng.randrange(60))
    assert isinstance(world.play, Injected)
    return world.play


def told_again(seed: int) -> Injected:
    """Return the core of a story in which the controller is killed."""
    rng = Random(seed)
    world = RestartedWorld("leastload", seed, play=Injected)
    for _ in range(2):
        for client in world.clients:
            client.up()
        for _ in range(10):
            world.step(rng.randrange(STEPS), rng.randrange(12), rng.randrange(60))
        world.restart()
    assert isinstance(world.play, Injected)
    return world.play


def told_of_a_store() -> Injected:
    """Return the core of a controller that begins with what a store has."""
    play = Injected(Limits(), 0)
    play(NO_PEER, Restored(1))
    play(NO_PEER, RestoredTasks(session_id(), (RestoredTask(submit(1)),), 1))
    play(NO_PEER, RecordedEnds(session_id(2), 1, (RecordedEnd(result(1, 0, client=2)),)))
    return play


RARE = (40, 42, 27, 28, 17, 7, 43, 34)
"""Stories that reach between them all that there is: few reach some of it."""

KINDS = {kind.__name__ for kind in get_args(Event)}
REFUSED = {"Submit", "Keep", "Large", "EngineUp"}
"""The events that are refused in words."""


def not_reached(stories: list[Injected]) -> dict[str, set[object]]:
    """Return what these stories have left out."""
    seen = {kind for story in stories for kind in story.kinds}
    failed = {kind for story in stories for kind, failures in story.kinds.items() if failures}
    return {
        "events": {*KINDS - seen},
        "events with a check": {*KINDS - WITHOUT_CHECKS - failed},
        "refused events": {*REFUSED.difference(*(story.refused for story in stories))},
        "checks": {*checks().difference(*(story.failed for story in stories))},
    }


def enough_stories() -> list[Injected]:
    """Return stories that reach all: if a change of the core has those in RARE go another way, with others."""
    stories = [told_again(1), told_of_a_store()]
    for seed in dict.fromkeys((*RARE, *range(45))):
        if thorough() or any(not_reached(stories).values()):
            stories.append(told(seed))
    return stories


def test_whatever_check_fails_nothing_has_changed() -> None:
    stories = enough_stories()

    assert not any(not_reached(stories).values()), not_reached(stories)
    assert not {kind for story in stories for kind, failures in story.kinds.items() if failures} & WITHOUT_CHECKS
    assert {kind for story in stories for kind in story.refused} == REFUSED


def test_the_core_raises_nothing_but_refusals_and_our_own_mistakes() -> None:
    assert raised_in_the_core() == {"not_allowed", "ImpossibleStepError", "AssertionError", "Refusal", "InputFailed"}
