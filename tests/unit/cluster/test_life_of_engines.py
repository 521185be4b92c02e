"""The life of engines that a spawner forks, as a table: what happens, and what is done about it."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from engineroom.cluster.lives.short_lives import STABLE_SECONDS
from engineroom.cluster.sets.hosted import NEXT, HostedEngine, Life, Turn
from engineroom.cluster.sets.life import actions
from engineroom.cluster.sets.life.events import (
    Closed,
    Exited,
    Forked,
    ForkedEvent,
    Joined,
    NotForked,
    RestartEngines,
    SpawnerDied,
    StartEngines,
    StopEngines,
    Tick,
)
from engineroom.cluster.sets.life.forked import STOPPED, WORN_OUT, ForkedLife
from engineroom.ids import Instance
from engineroom.protocol.messages import Coming, EngineExited

LATE, STOP = 60.0, 8.0


class Story:
    """A life of `n` engines, of which the first request has number 0, and the time in it."""

    def __init__(self, n: int = 1, **options: Any) -> None:
        secrets = (Instance(number.to_bytes(16, "big")) for number in count(1))
        usual = {"own_controller": True, "restarts": False, "delay": 0.0, "late": LATE, "stop": STOP}
        self.life = ForkedLife(draw=lambda: (b"secret", next(secrets)), **{**usual, **options})
        self.now, self.requests = 0.0, count(1)
        self.engines = [self.life.engines.add("a", wants_key_as_id=True) for _ in range(n)]
        self.keys = tuple(engine.key for engine in self.engines)
        self.done: list[actions.ForkedAction] = []
        self.then(StartEngines(0, self.keys))

    @property
    def engine(self) -> HostedEngine:
        return self.engines[0]

    def then(self, event: ForkedEvent, after: float = 0.0) -> list[actions.ForkedAction]:
        """Return what is done about `event`, but for what is done about every change."""
        self.now += after
        self.done = [each for each in self.life.handle(event, self.now) if each != actions.Changed()]
        return self.done

    def join(self) -> list[actions.ForkedAction]:
        return [done for engine in self.engines for done in self.then(Joined(engine.instance, engine.key))]

    def die(self, code: int = 3, *, said: str = "", last_line: str = "", after: float = 0.0, asked: bool = True) -> Any:
        exited = EngineExited(self.engine.instance, f"exit code {code}", own=True, words=said)
        return self.then(Exited(self.engine.key, code, exited, last_line, asked), after)

    def stop(self) -> list[actions.ForkedAction]:
        return self.then(StopEngines(next(self.requests), self.keys))

    def restart(self) -> list[actions.ForkedAction]:
        return self.then(RestartEngines(next(self.requests), self.keys))


def at(life: Life) -> Story:
    """Return a story in which the only engine is there in its life."""
    if life is Life.PLANNED:
        story = Story(2, delay=1.0)
        story.engines = story.engines[1:]
        story.keys = story.keys[1:]
        return story
    story = Story(restarts=True)
    story.join()
    match life:
        case Life.STOPPING:
            story.stop()
        case Life.RETURNING:
            story.restart()
        case Life.RESTING:
            story.die()
        case Life.OVER:
            story.die(0)
        case _:
            pass
    return story


def happen(story: Story, turn: Turn) -> None:
    match turn:
        case Turn.BEGIN if story.engine.life is Life.RETURNING:
            story.die()
        case Turn.BEGIN:
            story.then(Tick(), after=1.0)
        case Turn.STOP:
            story.stop()
        case Turn.RESTART:
            story.restart()
        case Turn.END if story.engine.life is Life.RETURNING:
            story.then(NotForked(story.engine.key, "no memory"))
        case Turn.END:
            story.die(0)
        case Turn.FALL:
            story.die()


@pytest.mark.parametrize(("start", "turn"), NEXT)
def test_an_engine_passes_on_as_the_table_says(start: Life, turn: Turn) -> None:
    story = at(start)
    assert story.engine.life is start
    happen(story, turn)
    # What has no process that would have to end before is started at once by a restart.
    at_once = start in {Life.RESTING, Life.OVER} and turn is Turn.RESTART
    expected = Life.RUNNING if at_once else NEXT[start, turn]
    assert story.engine.life is expected
    assert (story.engine in list(story.life.engines)) is (expected is not Life.OVER)


def test_a_start_forks_all_and_is_answered_when_all_have_registered() -> None:
    story = Story(2)
    assert story.done == [actions.Fork(engine) for engine in story.engines]
    assert story.life.coming() == Coming(2)
    story.then(Forked(0, 4711))
    assert story.engine.pid == 4711
    assert story.join()[-1] == actions.Gathered(0, tuple(story.engines), (), closing=False)
    assert story.life.coming() == Coming()
    assert story.life.wake() is None


@pytest.mark.parametrize("end", ["shut down", "died", "worn out"])
def test_a_restart_brings_back_those_that_have_ended_under_their_ids(end: str) -> None:
    story = Story(2, restarts=end == "worn out")
    story.join()
    gone, other = story.engines
    while gone.life is not Life.OVER:
        story.die(0 if end == "shut down" else 3)
        story.then(Tick(), after=gone.pause)
        story.then(Joined(gone.instance, 0))
    assert list(story.life.engines) == [other]
    assert story.life.engines.retired("a") == [gone]

    before = gone.instance
    assert story.restart() == [actions.End(other), actions.Fork(gone)]
    assert list(story.life.engines) == [other, gone]
    assert (gone.wanted_id, gone.short_lives) == (0, 0)
    assert gone.instance != before
    assert story.life.engines.retired("") == []


def test_what_was_stopped_does_not_come_back_nor_do_sets_that_ended_long_ago() -> None:
    story = Story(2)
    story.join()
    story.stop()
    for engine in story.engines:
        story.then(Exited(engine.key, 0, EngineExited(engine.instance, "exit code 0"), ""))
    assert story.life.engines.retired("") == []

    for name in ("b", "c"):
        story.engines = [story.life.engines.add(name, wants_key_as_id=True)]
        story.keys = (story.engine.key,)
        story.then(StartEngines(next(story.requests), story.keys))
        story.join()
        story.die(0)
    assert [engine.set for engine in story.life.engines.retired("")] == ["c"]
    story.life.engines.new_set("c")
    assert story.life.engines.retired("") == []


def test_with_a_delay_they_are_forked_one_after_the_other() -> None:
    story = Story(3, delay=2.0)
    first, second, third = story.engines
    assert story.done == [actions.Fork(first)]
    assert story.life.wake() == 2.0
    assert story.then(Tick(), after=2.0) == [actions.Fork(second)]
    assert story.then(Tick(), after=1.0) == []
    assert story.then(Tick(), after=1.0) == [actions.Fork(third)]
    assert story.life.wake() == 4.0 + LATE


def test_one_that_is_stopped_before_its_turn_is_never_forked() -> None:
    story = at(Life.PLANNED)
    assert story.stop() == [actions.Ended(1)]
    assert story.then(Tick(), after=5.0) == []


def test_those_that_are_late_are_missing() -> None:
    story = Story(2)
    story.then(Joined(story.engine.instance, 0))
    assert story.then(Tick(), after=LATE) == [
        actions.Gathered(0, tuple(story.engines), (story.engines[1],), closing=False)
    ]


def test_one_that_dies_before_it_registers_is_not_started_again_and_says_why() -> None:
    story = Story(restarts=True)
    died, gathered, told = story.die(last_line="No module named x")
    assert died == actions.Died(
        story.engine, "exit code 3; the last line of its log: No module named x", registered=False, again=False, said=""
    )
    assert gathered.exited.cause == "exit code 3"
    assert told == actions.Gathered(0, (story.engine,), (story.engine,), closing=False)
    assert story.engine.failed == died.cause


def test_one_that_dies_is_started_again_after_a_pause_that_grows() -> None:
    story = Story(restarts=True)
    story.join()
    assert pauses_of(story) == [0.0, 0.5, 1.0, 2.0]


def pauses_of(story: Story) -> list[float]:
    """Have an engine die until it has died four times in a row soon after its start; return the pauses."""
    pauses = []
    for _ in range(4):
        died, told = story.die(said="bye")
        assert died.again
        assert story.life.coming() == Coming(1, 1, restarts=True)
        assert told.exited.words == "Its last output:\n    bye\nIts log: "
        due = story.life.wake()
        assert due is not None
        pauses.append(due - story.now)
        assert story.then(Tick(), after=due - story.now) == [actions.Fork(story.engine)]
        assert story.then(Joined(story.engine.instance, 0))[0] == actions.BackAgain(story.engine)
    return pauses


def test_one_that_dies_five_times_in_a_row_soon_after_its_start_is_given_up_in_words() -> None:
    story = Story(restarts=True)
    story.join()
    pauses_of(story)
    died, told = story.die()
    words = f"exit code 3{WORN_OUT}"
    assert (died.cause, died.again, told.exited.cause) == (words, False, words)
    assert story.engine.life is Life.OVER
    assert story.life.coming() == Coming(restarts=True)


def test_one_that_lives_for_a_while_in_between_is_always_started_again() -> None:
    story = Story(restarts=True)
    story.join()
    for _ in range(12):
        for after in (0.0, STABLE_SECONDS):
            assert story.die(after=after)[0].again
            story.then(Tick(), after=5.0)
            story.then(Joined(story.engine.instance, 0))


def test_a_restart_by_hand_forgives_earlier_deaths() -> None:
    story = Story(restarts=True)
    story.join()
    pauses_of(story)
    story.restart()
    story.die(0)
    story.then(Joined(story.engine.instance, 0))
    assert story.die()[0].again


def test_a_later_life_that_ends_before_it_registers_counts_as_a_death() -> None:
    story = Story(restarts=True)
    story.join()
    for again in (True, True, True, True, False):
        died = story.die()[0]
        assert died.again is again
        story.then(Tick(), after=5.0)


def test_what_was_ended_with_code_0_by_code_that_it_ran_is_started_again() -> None:
    story = Story(restarts=True)
    story.join()
    done = story.die(0, asked=False)
    (died,) = [each for each in done if isinstance(each, actions.Died)]
    assert died.again


def test_what_ends_in_order_was_shut_down() -> None:
    story = Story(restarts=True)
    story.join()
    assert story.die(0)[0] == actions.Remark("engine 0 was shut down")
    assert story.engine.shut_down


@pytest.mark.parametrize(("own_controller", "dead"), [(True, True), (False, False)])
def test_in_order_before_it_has_registered_is_a_death_where_we_would_know(*, own_controller: bool, dead: bool) -> None:
    story = Story(own_controller=own_controller)
    assert isinstance(story.die(0)[0], actions.Died) is dead


def test_a_stop_asks_each_once_and_is_answered_when_they_have_ended() -> None:
    story = Story(restarts=True)
    story.join()
    assert story.stop() == [actions.End(story.engine)]
    assert story.stop() == []
    (told, *answers) = story.die(-9, said="bye")
    assert (told.exited.cause, told.exited.own, told.exited.words) == (STOPPED, False, "")
    assert answers == [actions.Ended(1), actions.Ended(2)]


def test_a_stop_is_answered_in_any_case() -> None:
    story = Story()
    story.join()
    story.stop()
    assert story.then(Tick(), after=STOP) == [actions.Ended(1)]


def test_a_restart_is_told_before_the_first_ends_and_answered_when_the_next_lives_have_registered() -> None:
    story = Story(2)
    story.join()
    assert story.restart() == [actions.End(engine) for engine in story.engines]
    assert story.life.coming() == Coming(2, 2)
    assert story.die(0)[0] == actions.Fork(story.engine)
    assert story.then(Joined(story.engine.instance, 0)) == [actions.Count(2, 2)]  # the other one has not ended yet
    story.engines.reverse()
    story.die(0)
    assert story.then(Joined(story.engine.instance, 1))[-1].request == 1  # type: ignore[union-attr]


def test_a_restart_after_a_stop_and_a_stop_after_a_restart_tell_nobody_twice() -> None:
    story = Story()
    story.join()
    story.stop()
    assert story.restart() == story.stop() == []
    assert story.die(0)[1:] == [
        actions.Gathered(2, (story.engine,), (), closing=False),
        actions.Ended(1),
        actions.Ended(3),
    ]


def test_an_exit_of_an_earlier_life_changes_nothing() -> None:
    story = Story()
    earlier = EngineExited(Instance(b"e" * 16), "exit code 1")
    (told,) = story.then(Exited(0, 1, earlier))
    assert isinstance(told, actions.SayExited)
    assert story.engine.life is Life.RUNNING


def test_when_the_cluster_stops_everybody_is_answered_and_nothing_begins() -> None:
    story = Story(2, delay=5.0)
    assert story.then(Closed()) == [actions.Gathered(0, tuple(story.engines), tuple(story.engines), closing=True)]
    assert story.life.coming() == Coming()
    assert story.life.wake() is None
    assert isinstance(story.die()[0], actions.SayExited)


def test_a_spawner_that_dies_takes_all_engines_along_and_each_is_started_again_at_once() -> None:
    story = Story(2, restarts=True)
    story.join()
    before = [engine.instance for engine in story.engines]
    done = story.then(SpawnerDied("the spawner was killed"))
    told = [each for each in done if isinstance(each, actions.SayExited)]
    assert [(each.exited.instance, each.exited.cause) for each in told] == [
        (instance, "the spawner was killed") for instance in before
    ]
    assert [(each.again, each.registered) for each in done if isinstance(each, actions.Died)] == [(True, True)] * 2
    assert story.then(Tick()) == [actions.Fork(engine) for engine in story.engines]
    assert [engine.wanted_id for engine in story.engines] == [0, 1]
    assert not set(before) & {engine.instance for engine in story.engines}


def test_engines_are_not_to_blame_for_the_death_of_their_spawner_however_often_it_dies() -> None:
    story = Story(restarts=True)
    for _ in range(20):
        (died, _told) = story.then(SpawnerDied("killed"), after=0.1)  # before they have ever registered
        assert isinstance(died, actions.Died)
        assert died.again
        assert story.then(Tick()) == [actions.Fork(story.engine)]


def test_what_was_to_end_when_the_spawner_died_has_ended_and_what_was_to_return_is_started() -> None:
    story = Story(2, restarts=True)
    story.join()
    first, second = story.engines
    story.then(StopEngines(7, (first.key,)))
    story.then(RestartEngines(8, (second.key,)))
    done = story.then(SpawnerDied("killed"))
    assert actions.Ended(7) in done
    assert actions.Fork(second) in done
    assert not [each for each in done if isinstance(each, actions.Died)]
    assert [each.exited.cause for each in done if isinstance(each, actions.SayExited)] == [STOPPED, STOPPED]
    assert (first.life, second.life) == (Life.OVER, Life.RUNNING)


def test_without_restarts_the_engines_of_a_dead_spawner_are_lost() -> None:
    story = Story(restarts=False)
    story.join()
    died = story.then(SpawnerDied("killed"))[0]
    assert isinstance(died, actions.Died)
    assert not died.again
    assert story.engine.life is Life.OVER
