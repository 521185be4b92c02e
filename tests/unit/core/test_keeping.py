"""Kept calls: they run first of all on each engine that joins, and are bounded."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from engineroom.core.actions import Accept, DropBody, Send
from engineroom.core.events import (
    ClientGone,
    ClientUp,
    EngineClosed,
    EngineUp,
    FunctionComing,
    FunctionHere,
    FunctionMissing,
    KeptHere,
    KeptLost,
    Large,
)
from engineroom.core.explain import explain_engine, explain_task
from engineroom.core.limits import Limits
from engineroom.core.not_allowed import FIRST_KEPT
from engineroom.core.policies import POLICIES
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import (
    Answer,
    Call,
    Finished,
    Forget,
    Full,
    Keep,
    KeptRan,
    Kind,
    NeedFunction,
    Outcome,
    Run,
    Stream,
    Sync,
)
from tests.examples import drawn
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import ERROR, OK, Death, Play, instance_id, instances, run, session_id, submit, task
from tests.unit.core.world import KEEPING_STEPS, Story, World, stories

NEW = 12
PUSH = Call(Kind.PUSH, b"", b"names")


def keep(
    kept: int = 1, *, call: Call = PUSH, engines: tuple[int, ...] | None = None, has: tuple[int, ...] = ()
) -> Keep:
    return Keep(kept, call, f"push {kept}", 7, engines, instances(has))


def first(kept: int = 1, attempt: int = 1, *, call: Call = PUSH) -> Run:
    """Return how an engine is sent a kept call."""
    return Run(task(FIRST_KEPT + kept), attempt, call, direct=True)


def ended(kept: int = 1, number: int = 1, outcome: Outcome = OK) -> Finished:
    return Finished(number, task(FIRST_KEPT + kept), 1, outcome)


KEPT = Answer(7)


def test_it_runs_on_an_engine_that_joins_before_anything_else(play: Play) -> None:
    assert play.sent(CLIENT, keep(1)) == [(CLIENT, KEPT)]
    assert play.sent(CLIENT, keep(2)) == [(CLIENT, KEPT)]
    play(CLIENT, submit(1))

    sent = play.sent(NEW, EngineUp(instance_id(0)))

    assert [message for peer, message in sent if peer == NEW] == [first(1), first(2)]
    play(CLIENT, submit(2, (0,)))
    assert play.sent(NEW, ended(1)) == [(CLIENT, KeptRan(1, 0, instance_id(0)))]
    assert play.sent(NEW, ended(2, 2)) == [(CLIENT, KeptRan(2, 0, instance_id(0))), (NEW, run(1))]


def test_it_runs_on_engines_that_its_client_did_not_know_of_and_on_none_of_the_others(two: Play) -> None:
    assert two.sent(CLIENT, keep(has=(0,))) == [(CLIENT, KEPT), (ENGINE_1, first())]
    assert two.sent(CLIENT, submit(1)) == [(ENGINE_0, run(1))]


def test_it_runs_only_where_it_is_wanted(play: Play) -> None:
    play(CLIENT, keep(engines=(1,)))

    assert [type(message) for _, message in play.sent(NEW, EngineUp(instance_id(0)))] != [Run]
    assert (ENGINE_1, first()) in play.sent(ENGINE_1, EngineUp(instance_id(1)))


def test_an_engine_that_comes_again_under_its_id_runs_it_again(two: Play) -> None:
    two(CLIENT, keep(has=(0, 1)))
    two(ENGINE_0, Death("killed by SIGKILL"))

    assert (NEW, first()) in two.sent(NEW, EngineUp(instance_id(5), wanted_id=0))


def test_one_that_fails_is_told_and_its_engine_takes_direct_tasks_only_until_it_is_forgotten(play: Play) -> None:
    play(CLIENT, keep())
    play(NEW, EngineUp(instance_id(0)))

    assert play.sent(NEW, ended(outcome=ERROR)) == [(CLIENT, KeptRan(1, 0, instance_id(0), "ValueError: no"))]
    assert play.sent(CLIENT, submit(1)) == []
    assert play.sent(CLIENT, submit(2, (0,))) == [(NEW, run(2, direct=True))]
    about = explain_engine(play.state, 0)
    assert about.state == "not ready"
    assert "not ready: the kept call 'push 1' failed: ValueError: no" in about.why
    assert "not ready: the kept call 'push 1' failed" in explain_task(play.state, task(1)).why
    play(NEW, Finished(2, task(2), 1, OK))
    assert play.sent(CLIENT, Forget(1)) == [(NEW, run(1))]


def test_what_is_too_large_is_refused_in_words() -> None:
    play = Play(Limits(keep_bytes=5000))
    play.connect(CLIENT)
    play(CLIENT, keep(1, call=Call(Kind.PUSH, b"", b"x" * 2000)))

    [(_, answer)] = play.sent(CLIENT, keep(2, call=Call(Kind.PUSH, b"", b"x" * 2000)))

    assert isinstance(answer, Answer)
    assert "the call 'push 2' cannot be kept: it takes 2.95 KiB, and 2.95 KiB are kept already" in answer.error
    assert "IPController.max_kept_call_bytes" in answer.error
    actions = play(CLIENT, Large(keep(3, call=Call(Kind.PUSH, b"", Stream(1, 10**6))), "body"))
    assert DropBody("body") in actions
    play(CLIENT, Forget())
    assert play.sent(CLIENT, keep(4, call=Call(Kind.PUSH, b"", b"x" * 2000))) == [(CLIENT, KEPT)]


def test_said_again_it_is_not_kept_twice_and_its_ends_are_told_again(play: Play) -> None:
    play(CLIENT, keep())
    play(NEW, EngineUp(instance_id(0)))
    play(NEW, ended())

    assert play.sent(CLIENT, keep()) == [(CLIENT, KEPT), (CLIENT, KeptRan(1, 0, instance_id(0)))]
    assert len(play.state.kept) == 1


def test_what_a_client_that_is_back_does_not_name_is_kept_no_longer(play: Play) -> None:
    for number in (1, 2):
        play(CLIENT, keep(number))
    play(CLIENT, ClientGone())
    play(CLIENT, ClientUp(session_id()))
    play(CLIENT, Sync())
    assert len(play.state.kept) == 2, "this client is of an earlier version"
    play(CLIENT, keep(2))
    play(CLIENT, keep(3))
    play(CLIENT, Sync(whole=True))

    sent = play.sent(NEW, EngineUp(instance_id(0)))
    assert [message for peer, message in sent if peer == NEW] == [first(2), first(3)]


def test_engines_and_their_direct_tasks_wait_for_bytes_that_are_on_their_way(play: Play) -> None:
    large = Call(Kind.PUSH, b"", Stream(1, 10**6))
    assert Accept("body") in play(CLIENT, Large(keep(1, call=large), "body"))
    play(CLIENT, keep(2))
    assert not [each for each in play.sent(NEW, EngineUp(instance_id(0))) if each[0] == NEW]
    assert play.sent(CLIENT, submit(1, (0,))) == []

    actions = play(CLIENT, KeptHere(1, "body"))

    assert actions == [
        Send(NEW, first(1, call=large), "body"),  # type: ignore[arg-type]
        Send(NEW, first(2)),  # type: ignore[arg-type]
        Send(NEW, run(1, direct=True)),  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("cut", ["the stream", "the client"])
def test_bytes_that_broke_off_are_taken_when_its_client_says_it_again(play: Play, cut: str) -> None:
    large = keep(call=Call(Kind.PUSH, b"", Stream(1, 10**6)))
    play(CLIENT, Large(large, "body"))
    if cut == "the stream":
        play(CLIENT, KeptLost(1, "body"))
    else:
        play(CLIENT, ClientGone())
        play(CLIENT, ClientUp(session_id()))
    play(NEW, EngineUp(instance_id(0)))

    assert Accept("again") in play(CLIENT, Large(large, "again"))
    assert not play(CLIENT, KeptHere(1, "body"))
    assert (NEW, first(call=large.call)) in play.sent(CLIENT, KeptHere(1, "again"))
    assert DropBody("once more") in play(CLIENT, Large(large, "once more"))


def test_it_waits_for_its_function_which_stays_as_long_as_it_is_kept(play: Play) -> None:
    call = Call(Kind.APPLY, b"f" * 16, b"")
    play(CLIENT, FunctionComing(b"f" * 16))
    play(CLIENT, keep(call=call))
    play(NEW, EngineUp(instance_id(0)))

    assert play.sent(CLIENT, FunctionHere(b"f" * 16, 10)) == [(NEW, first(call=call))]
    assert b"f" * 16 not in play.state.idle_functions
    sent = play.sent(NEW, FunctionMissing(b"f" * 16))
    assert (CLIENT, NeedFunction(b"f" * 16)) in sent
    assert play.sent(CLIENT, FunctionHere(b"f" * 16, 10)) == [(NEW, first(attempt=2, call=call))]


def test_an_engine_that_was_cut_off_runs_again_what_may_be_lost(play: Play) -> None:
    play(CLIENT, keep())
    play(NEW, EngineUp(instance_id(0)))
    play(NEW, EngineClosed(Closing(Why.SILENT, "timed out")))

    sent = play.sent(NEW + 1, EngineUp(instance_id(0)))

    assert [message for _, message in sent if isinstance(message, Run)] == [first(attempt=2)]
    play(NEW + 1, Full(100, 50))
    play(NEW + 1, ended())
    assert play.sent(CLIENT, submit(1)) == []
    assert play.sent(NEW + 1, Full()) == [(NEW + 1, run(1))]


def test_an_engine_that_it_kills_says_so(play: Play) -> None:
    play(CLIENT, keep())
    play(NEW, EngineUp(instance_id(0)))
    play(NEW, Death("killed by SIGSEGV", own=True))

    assert explain_engine(play.state, 0).why == "killed by SIGSEGV; it was running the kept call 'push 1'"


def test_calls_of_a_client_that_is_gone_are_kept_until_its_time_is_over(play: Play) -> None:
    play(CLIENT, keep())
    play(CLIENT, ClientGone())
    play.tick(play.state.limits.linger - 1.0)
    assert (NEW, first()) in play.sent(NEW, EngineUp(instance_id(0)))

    play.tick(2.0)

    assert not play.state.kept
    assert not play.state.sessions
    assert not play.state.engines[0].first


@drawn(150)
@given(
    story=stories(KEEPING_STEPS),
    policy=st.sampled_from(sorted(POLICIES)),
    seed=st.integers(0, 1000),
)
def test_no_balanced_task_overtakes_a_kept_call_and_every_task_ends_once(story: Story, policy: str, seed: int) -> None:
    world = World(policy, seed)

    world.tell(story)
    world.settle()

    world.everybody_knows()
    assert not world.play.state.kept
