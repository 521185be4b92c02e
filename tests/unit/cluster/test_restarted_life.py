"""The life of what a host keeps running, its controller and its spawner, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.cluster.lives.restarted import (
    NEXT,
    Action,
    Back,
    Ended,
    Event,
    Fallen,
    Over,
    Ready,
    RestartedLife,
    Rise,
    Stage,
    Stop,
    Tick,
    Turn,
)
from engineroom.cluster.lives.short_lives import MOST_SHORT_LIVES, STABLE_SECONDS

KILLED = Ended("killed by SIGKILL")
LONG = STABLE_SECONDS + 1


class Story:
    """A life, and the time in it."""

    def __init__(self, *, restarts: bool = True) -> None:
        self.now = 0.0
        self.life = RestartedLife("the controller", self.now, restarts=restarts)

    def then(self, event: Event, after: float = 0.0) -> list[Action]:
        self.now += after
        return self.life.handle(event, self.now)

    def lives(self, lasted: float) -> list[Action]:
        """Let it be ready and die after so many seconds, and let the pause pass; return what was done about its end."""
        self.then(Ready())
        done = self.then(KILLED, after=lasted)
        if (wake := self.life.wake()) is not None:
            self.then(Tick(), after=wake - self.now)
        return done


def at(stage: Stage) -> Story:
    """Return a story that has come so far."""
    story = Story()
    if stage in {Stage.BEGINNING, Stage.LEAVING, Stage.OVER}:
        if stage is not Stage.BEGINNING:
            story.then(Stop())
        if stage is Stage.OVER:
            story.then(KILLED)
        return story
    story.then(Ready())
    if stage is Stage.RESTING:
        story.lives(1.0)
        story.then(Ready())
        story.then(KILLED, after=1.0)
    if stage is Stage.RETURNING:
        story.then(KILLED, after=LONG)
    return story


def happen(story: Story, turn: Turn) -> None:
    match turn:
        case Turn.BE_READY:
            story.then(Ready())
        case Turn.FALL:
            story.then(KILLED)
        case Turn.RISE:
            story.then(Tick(), after=60.0)
        case Turn.STOP:
            story.then(Stop())
        case Turn.END:
            story.then(Ended("it was asked to", clean=True))


@pytest.mark.parametrize(("start", "turn"), NEXT)
def test_it_passes_on_as_the_table_says(start: Stage, turn: Turn) -> None:
    story = at(start)
    assert story.life.stage is start
    happen(story, turn)
    # The first pause is none.
    expected = Stage.RETURNING if turn is Turn.FALL else NEXT[start, turn]
    assert story.life.stage is expected


def test_the_first_start_that_fails_is_the_end_and_whoever_waits_for_it_says_so() -> None:
    story = Story()
    assert story.then(Ended("the port is taken")) == []
    assert story.life.stage is Stage.OVER


def test_one_that_dies_after_a_while_is_started_again_at_once() -> None:
    story = at(Stage.WORKING)
    assert story.then(KILLED, after=LONG) == [Fallen("killed by SIGKILL", 0.0), Rise()]
    assert story.then(Ready()) == [Back(restarts=1)]


def test_one_that_dies_soon_waits_longer_each_time_and_is_given_up_after_five_deaths_in_a_row() -> None:
    story = Story()
    pauses, over = [], None
    for _ in range(MOST_SHORT_LIVES):
        first = story.lives(STABLE_SECONDS - 1)[0]
        if isinstance(first, Fallen):
            pauses.append(first.pause)
        else:
            over = first
    assert pauses == [0.0, 0.5, 1.0, 2.0]
    assert over == Over(
        "killed by SIGKILL; the controller is not restarted again, because it died 5 times in a row within 5 s of its "
        "start",
        clean=False,
        given_up=True,
    )
    assert story.life.stage is Stage.OVER


def test_a_long_life_in_between_forgives_the_short_ones() -> None:
    story = Story()
    for _ in range(10):
        for lasted in (1.0, 1.0, LONG):
            story.lives(lasted)
    assert story.life.stage is Stage.RETURNING
    assert story.life.restarts == 29


def test_starts_that_fail_count_as_short_lives_however_long_they_take() -> None:
    story = at(Stage.RETURNING)
    done: list[Action] = []
    for _ in range(MOST_SHORT_LIVES):
        done = story.then(Ended("it did not listen"), after=60.0)
        story.then(Tick(), after=60.0)
    assert isinstance(done[0], Over)
    assert done[0].given_up


def test_an_end_in_order_is_the_end() -> None:
    assert at(Stage.WORKING).then(Ended("it was stopped", clean=True)) == [Over("it was stopped", clean=True)]
    assert at(Stage.RETURNING).then(Ended("it was stopped", clean=True)) == [Over("it was stopped", clean=True)]


def test_what_is_not_to_be_started_again_is_not() -> None:
    story = Story(restarts=False)
    story.then(Ready())
    assert story.then(KILLED, after=LONG) == [Over("killed by SIGKILL", clean=False)]


@pytest.mark.parametrize("stage", list(Stage))
def test_what_was_told_to_stop_is_never_started_again_and_nobody_is_told_of_its_end(stage: Stage) -> None:
    story = at(stage)
    done = story.then(Stop()) + story.then(Ready()) + story.then(KILLED) + story.then(Tick(), after=60.0)
    assert done == []
    assert story.life.wake() is None
    assert story.life.stage is Stage.OVER


EVENTS = st.sampled_from([Ready(), KILLED, Ended("in order", clean=True), Stop(), Tick()])


@given(st.lists(st.tuples(EVENTS, st.floats(0, 10))), st.booleans())
def test_whatever_happens_it_is_told_to_be_over_once_and_nothing_is_done_after_that(
    events: list[tuple[Event, float]], restarts: bool
) -> None:
    story, done = Story(restarts=restarts), list[Action]()
    for event, after in events:
        done += story.then(event, after)
    overs = [each for each in done if isinstance(each, Over)]
    assert len(overs) <= 1
    assert not overs or done[-1] is overs[0]
    rises = sum(isinstance(each, Rise) for each in done)
    assert story.life.restarts <= rises
    assert restarts or not rises
