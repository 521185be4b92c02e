"""A client attaches to a call of another one: it gets the call from its first byte, and takes nothing away."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.state.output import TaskOutput
from engineroom.core.actions import Action, Send
from engineroom.core.attaching import sessions
from engineroom.core.events import ClientGone, ClientUp, EngineUp, Event, Large
from engineroom.core.limits import Limits
from engineroom.ids import number_of
from engineroom.protocol.attaching import Attach, Attached, Detach, Who
from engineroom.protocol.messages import (
    Answer,
    Delivered,
    Display,
    Displays,
    Ended,
    Finished,
    Held,
    Output,
    Result,
    Stream,
    Submit,
    Sync,
    TasksStarted,
)
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import OK, Death, Play, instance_id, session_id, submit, task, tasks
from tests.unit.core.restarts import restart

OTHER = 2
THIRD = 3


def text(seq: int, words: str, *, number: int = 1, attempt: int = 1) -> Output:
    return Output(task(number), attempt, 1, seq, words)


def to(peer: int, actions: list[Action]) -> list[object]:
    """Return what a peer is sent."""
    return [action.message for action in actions if isinstance(action, Send) and action.peer == peer]


def attach(play: Play, number: int = 1, *, peer: int = OTHER, alone: bool = False) -> list[object]:
    """Have a client attach to a task of client 1; return what it is told."""
    play.connect(peer)
    return to(peer, play(peer, Attach(7, task(number), alone)))


def about(*engines: int, first: int = 1) -> Answer:
    """Return the answer for a direct call whose first task is number 1."""
    return Answer(7, Attached(task(1), first, engines, direct=True, kind=0))


def test_whoever_attaches_gets_the_call_from_its_first_byte_and_then_live(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))
    two(ENGINE_0, text(0, "a"))
    two(ENGINE_1, text(0, "b", number=2))
    two(CLIENT, ClientGone())
    two(ENGINE_0, text(1, "c"))

    found = attach(two, 2)

    assert found == [about(0, 1), text(0, "a"), text(1, "c"), text(0, "b", number=2)]
    assert to(OTHER, two(ENGINE_1, text(1, "d", number=2))) == [text(1, "d", number=2)]
    assert to(OTHER, two(ENGINE_1, Finished(1, task(2), 1, OK, b"two"))) == [Result(task(2), 1, OK, b"two")]
    assert to(OTHER, two(ENGINE_0, Finished(1, task(1), 1, OK, b"one"))) == [Result(task(1), 0, OK, b"one")]
    assert len(two.state.sessions[session_id()].results) == 2  # nothing was taken away


def test_what_its_client_has_fetched_stays_until_the_whole_call_is_over(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))
    two(ENGINE_0, text(0, "a"))
    two(ENGINE_0, Finished(1, task(1), 1, OK, b"one"))
    two(CLIENT, Delivered(1))
    assert two.state.sessions[session_id()].kept_bytes == 0

    assert attach(two) == [about(0, 1), text(0, "a"), Result(task(1), 0, OK, b"one")]

    two(ENGINE_1, Finished(1, task(2), 1, OK))
    two(CLIENT, Delivered(2))
    assert attach(two, 2, peer=THIRD) == [  # the first one is still attached
        about(0, 1),
        text(0, "a"),
        Result(task(1), 0, OK, b"one"),
        Result(task(2), 1, OK),
    ]
    two(OTHER, Detach(task(1)))
    two(THIRD, Detach(task(1)))
    assert two.state.sessions[session_id()].calls == {}
    assert two.state.fetched_bytes == 0


def test_results_too_long_for_a_message_are_not_kept_once_they_were_fetched(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))
    two(ENGINE_0, text(0, "a"))
    two(ENGINE_0, Large(Finished(1, task(1), 1, OK, Stream(1, 100_000)), "body"))
    two(CLIENT, Delivered(1))

    *before, ended = attach(two)

    assert before == [about(-1, 1), text(0, "a")]
    assert isinstance(ended, Ended)
    assert "not kept here any more" in ended.outcome.error


def test_what_was_fetched_is_bounded_in_bytes() -> None:
    play = Play(Limits(fetched_bytes=1000))
    play(CLIENT, ClientUp(session_id()))
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(ENGINE_1, EngineUp(instance_id(1)))
    play(CLIENT, submit(1, (0, 1)))
    play(ENGINE_0, text(0, "a" * 1000))
    play(ENGINE_0, Finished(1, task(1), 1, OK, b"one"))
    play(CLIENT, Delivered(1))

    assert attach(play) == [about(0, 1), Result(task(1), 0, OK, b"one")]


def test_a_balanced_task_and_a_call_for_one_engine_can_be_attached_to(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, submit(2))

    assert attach(two)[0] == about(0)
    answer = attach(two, 2, peer=THIRD)[0]
    assert answer == Answer(7, Attached(task(2), 2, (1,), direct=False, kind=0))
    assert to(THIRD, two(ENGINE_1, text(0, "x", number=2))) == [TasksStarted(1, tasks(2)), text(0, "x", number=2)]


def test_a_single_task_of_a_call_can_be_had_alone(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))
    two(ENGINE_0, text(0, "a"))
    two(ENGINE_1, text(0, "b", number=2))

    assert attach(two, 2, alone=True) == [about(1, first=2), text(0, "b", number=2)]


def test_what_has_ended_and_was_not_fetched_can_be_had_any_number_of_times(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, ClientGone())
    two(ENGINE_0, text(0, "a"))
    two(ENGINE_0, Finished(1, task(1), 1, OK, b"one"))

    for peer in (OTHER, THIRD):
        assert attach(two, peer=peer)[1:] == [text(0, "a"), Result(task(1), 0, OK, b"one")]
    two(50, ClientUp(session_id()))
    assert [m for m in to(50, two(51, ClientUp(session_id()))) if isinstance(m, Result)] == []
    assert two.state.sessions[session_id()].results.keys() == {1}


def test_whoever_attaches_is_told_why_there_is_nothing(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, submit(2, (0,)))
    two(ENGINE_0, Finished(1, task(1), 1, OK))
    two(CLIENT, Delivered(1))
    two.connect(OTHER)

    def error(task: bytes) -> str:
        [answer] = to(OTHER, two(OTHER, Attach(1, task)))
        assert isinstance(answer, Answer)
        assert answer.reply is None
        return answer.error

    assert "its client has fetched its result" in error(task(1))
    assert "has submitted 2 tasks, and no task 9" in error(task(9))
    assert "no task 0" in error(task(0))
    assert "another cluster or profile" in error(task(1, client=9))


def test_the_last_call_is_that_of_a_client_that_is_gone(two: Play) -> None:
    def last() -> object:
        answer = to(OTHER, two(OTHER, Attach(7)))[0]
        assert isinstance(answer, Answer)
        return answer.error or (answer.reply.call if isinstance(answer.reply, Attached) else None)

    two.connect(OTHER)
    assert "no other client has a call" in str(last())
    two.connect(THIRD)
    two(THIRD, submit(1, (0,), client=THIRD))
    two(OTHER, submit(1, (0,), client=OTHER))
    assert last() == task(1, THIRD)
    two(CLIENT, submit(1, (0, 1)))
    two(CLIENT, submit(3, (1,)))
    two(CLIENT, ClientGone())
    assert last() == task(3)


def test_an_attempt_that_runs_again_is_told_as_such(two: Play) -> None:
    two(CLIENT, submit(1))
    two(ENGINE_0, text(0, "a"))
    assert attach(two)[1:] == [text(0, "a")]

    two(ENGINE_0, Death("killed"))

    assert text(0, "b", attempt=2) in to(OTHER, two(ENGINE_1, text(0, "b", attempt=2)))


def test_a_task_that_can_not_go_on_ends_for_those_who_are_attached(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))
    attach(two)

    [ended] = to(OTHER, two(ENGINE_0, Death("killed by SIGKILL")))[-1:]

    assert isinstance(ended, Result)
    assert "killed by SIGKILL" in ended.outcome.error


def test_values_that_a_task_publishes_reach_those_who_are_attached(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    attach(two)
    values = Display(task(1), 1, Displays.DATA, 0, b"values")

    assert values in to(OTHER, two(ENGINE_0, values))
    assert values in attach(two, peer=THIRD)


def test_a_client_that_is_gone_is_told_nothing_and_keeps_nothing(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    attach(two)
    two(OTHER, ClientGone())

    assert to(OTHER, two(ENGINE_0, text(0, "a"))) == []
    two(ENGINE_0, Finished(1, task(1), 1, OK))
    two(CLIENT, Delivered(1))
    assert two.state.sessions[session_id()].calls == {}


def test_clients_that_are_gone_are_listed_with_who_they_are_and_what_is_here(two: Play) -> None:
    who = Who("ada", "node1", 42, "analysis.ipynb")
    two(50, ClientUp(session_id(5), who=who))
    two(50, submit(1, (0, 1), client=5))
    two(ENGINE_0, Finished(1, task(1, 5), 1, OK))
    assert sessions(two.state).sessions == ()
    two(50, ClientGone())
    two.tick(10)

    [gone] = sessions(two.state).sessions

    assert (gone.who, gone.since, gone.results, gone.running) == (who, 10, 1, 1)
    assert (gone.last, gone.tasks) == (task(2, 5), ((1, 2),))
    two(ENGINE_1, Finished(1, task(2, 5), 1, OK))
    two.tick(two.state.limits.linger + 1)
    two.tick(two.state.limits.linger + 1)
    assert sessions(two.state).sessions == ()


def attach_again(two: Play, *, life: int = 1) -> list[object]:
    """Have another controller start, and client 2 attach again to task 1 before anybody else is back."""
    restart(two, life)
    two.connect(OTHER)
    return to(OTHER, two(OTHER, Attach(8, task(1))))


def runs(number: int = 1) -> Held:
    return Held(running=((session_id(), number, number, 1),))


def returns(two: Play, *submitted: Submit, peer: int = 51) -> list[object]:
    """Have client 1 come back and submit what it has no results of; return what client 2 is told."""
    events = [ClientUp(session_id()), *submitted, Sync()]
    return [message for event in events for message in to(OTHER, two(peer, event))]


def test_whoever_attaches_again_before_the_client_is_back_misses_nothing(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))
    attach(two)

    assert attach_again(two) == []
    found = returns(two, submit(1, (0, 1)))
    assert found == [Answer(8, Attached(task(1), 1, (0, 1), direct=True, kind=0))]
    two.back(61, EngineUp(instance_id(0)), runs(1))
    two.back(62, EngineUp(instance_id(1)), runs(2))
    assert to(OTHER, two(61, text(0, "a"))) == [text(0, "a")]
    assert to(OTHER, two(62, Finished(1, task(2), 1, OK, b"two"))) == [Result(task(2), 1, OK, b"two")]


def test_a_call_that_ends_at_once_after_a_restart_is_seen_by_whoever_attaches_again(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    attach_again(two)
    two.back(61, EngineUp(instance_id(0)), runs())
    two(61, text(0, "a"))
    two(61, Finished(1, task(1), 1, OK, b"one"))

    found = returns(two, submit(1, (0,)))
    two(51, Delivered(1))

    assert found[1:] == [text(0, "a"), Result(task(1), 0, OK, b"one")]


def test_whoever_attaches_to_what_an_engine_runs_for_a_client_that_is_gone_sees_it(two: Play) -> None:
    two(CLIENT, submit(1, (0, 1)))
    restart(two, 1)
    two.connect(OTHER)
    two.back(62, EngineUp(instance_id(1)), runs(2))
    two(62, text(0, "b", number=2))
    assert to(OTHER, two(OTHER, Attach(8, task(2)))) == []
    answer, *found = to(OTHER, two.tick(two.state.limits.reattach_grace + 1))

    assert answer == Answer(8, Attached(task(2), 2, (1,), direct=True, kind=None))
    assert found == [TasksStarted(1, tasks(2)), text(0, "b", number=2)]
    returns(two, submit(1, (0, 1)))
    assert to(OTHER, two(62, Finished(1, task(2), 1, OK, b"two"))) == [Result(task(2), 1, OK, b"two")]


def test_a_client_that_is_not_back_in_time_is_waited_for_no_longer(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    assert attach_again(two) == []
    grace = two.state.limits.reattach_grace
    for _ in range(4):
        assert not any(isinstance(message, Answer) for message in to(OTHER, two.tick(grace)))
    [answer] = [message for message in to(OTHER, two.tick(grace)) if isinstance(message, Answer)]
    assert "knows no client" in answer.error
    assert two.state.early_attaches == []


def test_whoever_leaves_before_the_client_is_back_is_not_attached(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    attach_again(two)
    two(OTHER, Detach(task(1)))

    assert returns(two, submit(1, (0,))) == []


def test_whoever_is_attached_to_what_its_client_does_not_want_any_more_is_told(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    attach_again(two)
    two.back(61, EngineUp(instance_id(0)), runs())
    two.tick(two.state.limits.reattach_grace + 1)

    [ended] = returns(two)

    assert isinstance(ended, Ended)
    assert "waits for it no more" in ended.outcome.error


class Watched:
    """A call for two engines, what was written and ended of it, and what somebody who attaches has seen."""

    def __init__(self) -> None:
        self.play = Play()
        self.play(CLIENT, ClientUp(session_id()))
        for engine, peer in enumerate((ENGINE_0, ENGINE_1)):
            self.play(peer, EngineUp(instance_id(engine)))
        self.play(CLIENT, submit(1, (0, 1)))
        self.play.connect(OTHER)
        self.written, self.ended, self.owner = {1: 0, 2: 0}, set[int](), CLIENT
        self.seen, self.over = {1: TaskOutput(), 2: TaskOutput()}, set[int]()

    def feed(self, peer: int, event: Event) -> None:
        for message in to(OTHER, self.play(peer, event)):
            if isinstance(message, Output):
                self.seen[number_of(message.task)].add(message)
            elif isinstance(message, Result):
                self.over.add(number_of(message.task))

    def write(self, number: int) -> None:
        if number not in self.ended:
            self.feed(9 + number, text(self.written[number], f"{self.written[number]} ", number=number))
            self.written[number] += 1

    def end(self, number: int) -> None:
        if number not in self.ended:
            self.ended.add(number)
            self.feed(9 + number, Finished(1, task(number), 1, OK))

    def fetch(self) -> None:
        if self.owner and len(self.ended) < 2:
            for number in self.ended:
                self.feed(self.owner, Delivered(0, ((number, number),)))

    def come_or_go(self) -> None:
        if self.owner:
            self.feed(self.owner, ClientGone())
            self.owner = 0
        else:
            self.owner = 60
            self.feed(self.owner, ClientUp(session_id()))

    def attach(self) -> None:
        self.feed(OTHER, Attach(1, task(1)))

    def detach(self) -> None:
        self.feed(OTHER, Detach(task(1)))


STEPS = (
    partial(Watched.write, number=1),
    partial(Watched.write, number=2),
    partial(Watched.end, number=1),
    partial(Watched.end, number=2),
    Watched.fetch,
    Watched.come_or_go,
    Watched.attach,
    Watched.detach,
)


@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_whoever_attaches_whenever_has_in_the_end_what_was_written(story: list[Callable[[Watched], None]]) -> None:
    watched = Watched()

    for step in story:
        step(watched)
    watched.attach()
    watched.end(1)
    watched.end(2)

    assert watched.over == {1, 2}
    for number, count in watched.written.items():
        assert watched.seen[number].stdout == "".join(f"{each} " for each in range(count))
