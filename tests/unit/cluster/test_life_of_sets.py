"""The life of sets that a launcher starts, as a table: what happens, and what is done about it."""

from __future__ import annotations

import pytest

from engineroom.cluster.launchers.status import State, Status
from engineroom.cluster.sets.life import actions
from engineroom.cluster.sets.life.events import (
    Closed,
    Heard,
    Joined,
    Launched,
    Left,
    NotHeard,
    NotLaunched,
    NotStopped,
    RestartSets,
    SetEvent,
    StartSet,
    Stopped,
    StopSets,
    Tick,
)
from engineroom.cluster.sets.life.launched import FAREWELL, NOTICED, LaunchedLife
from engineroom.cluster.sets.life.set_phases import NEXT, Cause, Phase
from engineroom.ids import Instance
from engineroom.protocol.messages import Coming

LATE = 60.0
WAITING, RUNNING = Status(State.WAITING, "Resources"), Status(State.RUNNING)
ENDED = Status(State.ENDED, "exit code 3; it said:\n  no")
FIRST, SECOND = Instance(b"1" * 16), Instance(b"2" * 16)

START, STARTED = StartSet("a", 2), Launched(1, {"job": 7}, "out.log")
STOP, RESTART = StopSets(("a",)), RestartSets(("a",))
OTHER = StartSet("b", 1), Launched(2, {}, "")
JOIN = Joined(FIRST, 0, "a"), Joined(SECOND, 1, "a")


class Story:
    """A life, and the time in it; events happen at once unless `at` says when."""

    def __init__(self, *happened: SetEvent, telling: bool = False) -> None:
        self.life, self.now = LaunchedLife(late=LATE, telling=telling), 0.0
        self.done: list[actions.SetAction] = []
        for event in happened:
            self.then(event)

    def then(self, event: SetEvent, at: float | None = None) -> list[actions.SetAction]:
        """Return what is done about `event`, but for what is done about every change."""
        self.now = self.now if at is None else at
        self.done = [each for each in self.life.handle(event, self.now) if each != actions.Changed()]
        return self.done

    def phase(self) -> Phase:
        return next((each.phase for each in self.life if each.name == "a"), Phase.GONE)


TRANSITIONS: dict[tuple[Phase, Cause], list[SetEvent | float]] = {
    (Phase.LAUNCHING, Cause.LAUNCHED): [START, STARTED],
    (Phase.LAUNCHING, Cause.TOO_LATE): [START, Closed(), STARTED],
    (Phase.LAUNCHING, Cause.NOT_LAUNCHED): [START, NotLaunched(1, "no")],
    (Phase.GATHERING, Cause.COMPLETE): [START, STARTED, JOIN[0], JOIN[1]],
    (Phase.GATHERING, Cause.GIVEN_UP): [START, STARTED, Heard(1, RUNNING), LATE, Tick()],
    (Phase.GATHERING, Cause.ENDED): [START, STARTED, Heard(1, ENDED)],
    (Phase.GATHERING, Cause.STOP): [START, STARTED, STOP],
    (Phase.SETTLED, Cause.ENDED): [START, STARTED, *JOIN, Heard(1, ENDED)],
    (Phase.SETTLED, Cause.STOP): [START, STARTED, *JOIN, STOP],
    (Phase.PARTING, Cause.PARTED): [START, STARTED, *JOIN, Heard(1, ENDED), Left(FIRST, "x"), Left(SECOND, "x")],
    (Phase.PARTING, Cause.STOP): [START, STARTED, *JOIN, Heard(1, ENDED), STOP],
    (Phase.STOPPING, Cause.STOPPED): [START, STARTED, STOP, Stopped(1)],
    (Phase.STOPPING, Cause.TO_RETURN): [START, STARTED, RESTART, Stopped(1)],
    (Phase.STOPPING, Cause.NOT_STOPPED): [START, STARTED, STOP, NotStopped(1, "no")],
    (Phase.STUCK, Cause.STOP): [START, STARTED, STOP, NotStopped(1, "no"), STOP],
    (Phase.RETURNING, Cause.TURN): [START, STARTED, *OTHER, RestartSets(("a", "b")), Stopped(1), Stopped(2)],
    (Phase.RETURNING, Cause.CANCELLED): [START, STARTED, *OTHER, RestartSets(("a", "b")), Stopped(1), Closed()],
}
"""What leads to each passage: it is made by the last event. A number: it is then so late."""

PASSED_ON = {(Phase.STOPPING, Cause.TO_RETURN): Phase.LAUNCHING}
"""Where a set does not stay, for its turn comes at once."""


def test_each_passage_has_a_story() -> None:
    assert TRANSITIONS.keys() == NEXT.keys()


@pytest.mark.parametrize(("start", "cause"), NEXT)
def test_a_set_passes_on_as_the_table_says(start: Phase, cause: Cause) -> None:
    *before, last = TRANSITIONS[start, cause]
    story = Story()
    for each in before:
        if isinstance(each, float):
            story.now = each
        else:
            story.then(each)
    was = story.phase()
    assert not isinstance(last, float)
    story.then(last)
    assert was is start
    assert story.phase() is PASSED_ON.get((start, cause), NEXT[start, cause])


def test_a_start_asks_the_launcher_and_then_how_it_is_and_is_over_when_all_are_here() -> None:
    story = Story()
    assert story.then(START) == [actions.Launch(1, "a", 2)]
    assert story.life.coming() == Coming(2)
    assert story.then(STARTED) == [actions.Watch(1)]
    assert story.life.handles() == {"a": {"job": 7}}
    assert story.then(JOIN[0]) == [actions.Count(1, 2)]
    assert story.life.coming() == Coming(1)
    assert story.then(JOIN[1]) == [actions.Count(2, 2), actions.SetComplete("a", 2)]
    assert story.life.coming() == Coming()


def test_those_that_join_before_the_launcher_has_said_anything_count_unless_they_have_left() -> None:
    story = Story(START, *JOIN, Left(FIRST, "gone"))
    assert story.then(STARTED) == [actions.Count(1, 2), actions.Watch(1)]
    assert [engine.engine_id for engine in story.life.engines] == [1]


def test_only_while_its_status_matters_it_is_asked_for() -> None:
    assert actions.Unwatch(1) in Story(START, STARTED).then(STOP)
    assert actions.Unwatch(1) in Story(START, STARTED).then(Heard(1, ENDED))
    assert actions.Unwatch(1) in Story(START, STARTED).then(Closed())
    assert actions.Unwatch(1) not in Story(START, STARTED, *JOIN).done


def test_why_it_waits_is_told_once_for_each_reason() -> None:
    story = Story(START, STARTED)
    assert story.then(Heard(1, WAITING)) == [actions.Queued("a", "Resources")]
    assert story.then(Heard(1, WAITING)) == []
    assert story.then(Heard(1, Status(State.WAITING, "Priority"))) == [actions.Queued("a", "Priority")]
    assert story.then(NotHeard(1, "no squeue")) == [actions.NotAsked("no squeue", waited_for=True)]
    assert story.then(NotHeard(1, "no squeue")) == []
    story.then(Heard(1, RUNNING))
    assert story.then(NotHeard(1, "no squeue")) == [actions.NotAsked("no squeue", waited_for=True)]


@pytest.mark.parametrize(("telling", "here", "said"), [(True, True, False), (True, False, True), (False, True, True)])
def test_how_a_part_ended_is_told_unless_somebody_else_tells_it(*, telling: bool, here: bool, said: bool) -> None:
    story = Story(START, STARTED, JOIN[0], *(JOIN[1:] if here else ()), telling=telling)
    told = story.then(Heard(1, Status(State.RUNNING, "rank 1 ended")))
    assert told == ([actions.Remark("rank 1 ended")] if said else [])


def test_only_what_runs_is_late() -> None:
    story = Story(START, STARTED, Heard(1, WAITING))
    story.then(Tick(), at=10 * LATE)
    assert story.phase() is Phase.GATHERING
    story.then(Heard(1, RUNNING), at=1000.0)
    story.then(Heard(1, WAITING), at=1001.0)  # a part of it is submitted anew
    story.then(Heard(1, RUNNING), at=1002.0)
    story.then(Tick(), at=1001.0 + LATE)
    assert story.phase() is Phase.GATHERING
    assert story.then(JOIN[0])[0] == actions.Count(1, 2)
    assert story.then(Tick(), at=1002.0 + LATE)[0] == actions.SetShort("a", 1, 2, None, "out.log", failed=False)
    assert story.life.coming() == Coming()


def test_those_that_can_not_come_any_more_are_given_up_after_a_moment() -> None:
    story = Story(START, STARTED, JOIN[0])
    half = Status(State.RUNNING, "rank 1 ended", ended=1)
    story.then(Heard(1, half))
    assert story.life.wake() == NOTICED
    assert story.then(Left(FIRST, "gone"))[0] == actions.EngineLost(0, "gone", "out.log")  # it was this one
    story.then(Tick(), at=NOTICED)
    assert story.phase() is Phase.GATHERING
    story.then(Heard(1, Status(State.RUNNING, "ranks 0 and 1 ended", ended=2)))
    assert story.then(Tick(), at=1.9 * NOTICED) == []
    missing = actions.SetShort("a", 1, 2, "ranks 0 and 1 ended", "out.log", failed=False)
    assert story.then(Tick(), at=2 * NOTICED) == [missing]
    assert story.phase() is Phase.SETTLED


def test_what_ends_before_any_has_come_has_failed_and_nothing_of_it_is_left() -> None:
    story = Story(START, STARTED)
    assert story.then(Heard(1, ENDED)) == [
        actions.SetEnded("a", ENDED.words),
        actions.SetShort("a", 2, 2, ENDED.words, "out.log", failed=True),
        actions.Unwatch(1),
    ]
    assert story.life.handles() == {}
    assert story.life.wake() is None


def test_a_controller_that_does_not_notice_an_end_is_told_and_then_it_is_over() -> None:
    story = Story(START, STARTED, *JOIN)
    assert story.then(Heard(1, ENDED)) == [actions.SetEnded("a", ENDED.words), actions.Unwatch(1)]
    assert story.then(Tick(), at=NOTICED) == [
        actions.SayGone(FIRST, "exit code 3"),
        actions.SayGone(SECOND, "exit code 3"),
    ]
    assert story.then(Left(SECOND, "gone")) == [actions.EngineLost(1, "gone", "out.log")]
    assert story.life.wake() == NOTICED + FAREWELL
    assert story.then(Tick(), at=NOTICED + FAREWELL) == [actions.Remark(f"engine set a has ended: {ENDED.words}")]
    assert len(story.life.engines) == 0


def test_a_stop_dismisses_the_engines_first_and_is_asked_for_once() -> None:
    story = Story(START, STARTED, *JOIN)
    assert story.then(STOP) == [actions.Dismiss((0, 1)), actions.Stop(1), actions.Unwatch(1)]
    assert story.then(STOP) == story.then(Closed()) == []
    assert story.then(Left(FIRST, "stopped")) == []  # it was to
    assert story.then(Heard(1, ENDED)) == []
    assert story.life.busy()
    assert story.then(Stopped(1)) == [actions.StopOver("a")]
    assert not story.life.busy()


def test_whoever_waits_for_engines_of_a_set_that_is_stopped_waits_no_more() -> None:
    assert Story(START, STARTED).then(STOP)[0] == actions.StartOver("a")


def test_a_stop_that_fails_can_be_asked_for_again() -> None:
    story = Story(START, STARTED, *JOIN, STOP)
    assert story.then(NotStopped(1, "scancel: no")) == [actions.StopOver("a", "scancel: no")]
    assert story.life.handles() == {"a": {"job": 7}}
    assert actions.Stop(1) in story.then(Closed())


def test_a_restart_stops_all_and_starts_one_after_the_other() -> None:
    story = Story(START, STARTED, *JOIN, *OTHER, Joined(Instance(b"3" * 16), 2, "b"))
    story.then(RestartSets(("a", "b")))
    assert [each for each in story.done if isinstance(each, actions.Stop)] == [actions.Stop(1), actions.Stop(2)]
    assert story.life.coming() == Coming(3, 3)
    assert story.then(Stopped(1)) == [actions.StopOver("a")]
    assert story.then(Stopped(2)) == [actions.StopOver("b"), actions.Launch(3, "a", 2)]
    story.then(Launched(3, {}, ""))
    story.then(Joined(FIRST, 3, "a"))
    assert story.life.coming() == Coming(2, 2)
    assert story.then(Joined(SECOND, 4, "a"))[1:] == [actions.SetComplete("a", 2), actions.Launch(4, "b", 1)]


def test_what_is_still_said_of_the_first_life_is_not_said_of_the_second() -> None:
    story = Story(START, STARTED, *JOIN, RESTART, Stopped(1), Launched(2, {}, ""))
    assert story.then(Heard(1, ENDED)) == story.then(NotHeard(1, "no")) == []
    assert story.phase() is Phase.GATHERING


OVER = START, STARTED, *JOIN, Heard(1, ENDED), Left(FIRST, "x"), Left(SECOND, "x")


def test_a_set_that_has_ended_by_itself_can_be_started_again() -> None:
    story = Story(*OVER)
    assert story.life.named("") == []
    assert (story.life.over.named("a"), story.life.set_of(FIRST), story.life.set_of(SECOND)) == (["a"], "a", "a")
    assert story.then(RESTART) == [actions.Launch(2, "a", 2)]
    assert story.life.coming() == Coming(2, 2)
    assert story.life.set_of(FIRST) is None  # it is being started
    again = Instance(b"4" * 16), Instance(b"5" * 16)
    assert story.then(Launched(2, {}, "")) == [actions.Watch(2)]
    story.then(Joined(again[0], 0, "a"))
    assert actions.SetComplete("a", 2) in story.then(Joined(again[1], 1, "a"))
    assert story.life.coming() == Coming()


def test_several_that_have_ended_and_one_that_runs_start_again_one_after_the_other() -> None:
    story = Story(*OVER, *OTHER)
    story.then(Joined(Instance(b"3" * 16), 2, "b"))
    assert story.then(RestartSets(("a", "b")))[:2] == [actions.Dismiss((2,)), actions.Stop(2)]
    assert story.then(Stopped(2)) == [actions.StopOver("b"), actions.Launch(4, "b", 1)]
    story.then(Launched(4, {}, ""))
    assert actions.Launch(3, "a", 2) in story.then(Joined(Instance(b"6" * 16), 2, "b"))


@pytest.mark.parametrize("failed", [[NotLaunched(2, "no")], [Launched(2, {}, ""), Heard(2, ENDED)]])
def test_a_restart_that_fails_can_be_asked_for_again(failed: list[SetEvent]) -> None:
    story = Story(*OVER, RESTART, *failed)
    assert list(story.life) == []
    assert story.life.set_of(FIRST) == "a"
    assert story.then(RESTART) == [actions.Launch(3, "a", 2)]


@pytest.mark.parametrize(
    "happened",
    [
        [START, STARTED, Heard(1, ENDED)],  # its start has failed
        [START, NotLaunched(1, "no")],
        [START, STARTED, *JOIN, STOP, Stopped(1)],
        [*OVER, STOP],
        [*OVER, Closed()],
        [*OVER, StartSet("a", 1), NotLaunched(2, "no")],  # another one has the name
        [START, STARTED, *JOIN, Closed(), Stopped(1)],
    ],
)
def test_what_never_ran_or_was_stopped_is_not_started_again(happened: list[SetEvent]) -> None:
    life = Story(*happened).life
    assert life.over.named("") == []
    assert life.set_of(FIRST) is None


def test_of_sets_without_end_the_last_are_remembered() -> None:
    story = Story()
    for number in range(1, 150):
        name, instance = str(number), Instance(number.to_bytes(16, "big"))
        for event in (StartSet(name, 1), Launched(number, {}, ""), Joined(instance, number, name)):
            story.then(event)
        story.then(Heard(number, ENDED))
        story.then(Left(instance, "x"))
    assert story.life.over.named("")[0] == "50"
    assert len(story.life.over.named("")) == 100


def test_a_set_that_was_to_return_and_is_stopped_does_not() -> None:
    story = Story(START, STARTED, *JOIN, RESTART)
    assert story.then(STOP) == [actions.StartOver("a")]
    assert story.then(Stopped(1)) == [actions.StopOver("a")]
    assert list(story.life) == []


def test_nothing_starts_while_the_cluster_stops() -> None:
    too_late = actions.StartOver("a", "engine set a was not started: the cluster is stopping")
    assert Story(Closed()).then(START) == [too_late]
    assert Story(START, Closed()).then(STARTED) == [actions.Stop(1), too_late]
    assert Story(START, STARTED, RESTART).then(Closed()) == [too_late]


def test_engines_of_others_are_none_of_ours() -> None:
    story = Story(START, STARTED)
    assert story.then(Joined(FIRST, 0, None)) == story.then(Joined(FIRST, 0, "x")) == []
    assert story.then(Left(SECOND, "gone")) == []
