"""Engines die of what they ran: the last one is spared, and what nobody will ever run ends, with the causes."""

from __future__ import annotations

import pytest

from engineroom.core.events import EngineClosed, EngineUp, Event, HostSays, HostUp, Seen
from engineroom.core.explain import explain_task
from engineroom.core.prospects import to_come
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.messages import Coming, EngineExited, Finished, Options, Outcome, Result, Run, Started, Status
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CUT, OK, Death, HostEnd, Play, instance_id, run, submit, task

HOST = 50
EXITED = Death("exit code 3", own=True)
KILLED = Death("killed by SIGKILL")
MORE = HostSays(b"host", Coming(engines=1))
NO_MORE = HostSays(b"host", Coming())
RESTARTS = HostSays(b"host", Coming(restarts=True))


def ran(event: Death, *numbers: int, attempt: int = 1) -> Death:
    """Return `event` of an engine whose host saw that it ran these tasks."""
    return Death(event.cause, event.own, tuple((task(number), attempt) for number in numbers))


def results(play: Play, peer: int, event: Event) -> dict[int, tuple[Status, str]]:
    """Return by task number how tasks ended of this event."""
    sent = [message for _, message in play.sent(peer, event) if isinstance(message, Result)]
    return {int.from_bytes(its.task[16:]): (Status(its.outcome.status), its.outcome.error) for its in sent}


def test_a_task_that_ended_an_engine_by_itself_is_not_run_on_the_last_one(two: Play) -> None:
    two(CLIENT, submit(1))

    ended = results(two, ENGINE_0, ran(EXITED, 1))

    words = (
        "this task was running when engine 0 (exit code 3) died. It will not run again: engine 1 is the last one left"
    )
    assert ended == {1: (Status.LOST, words)}


def test_it_is_not_either_where_only_the_suspicion_is_known(two: Play) -> None:
    two(CLIENT, submit(1))

    assert results(two, ENGINE_0, EXITED).keys() == {1}


def test_what_was_killed_from_outside_is_run_on_the_last_one(two: Play) -> None:
    two(CLIENT, submit(1))

    assert (ENGINE_1, run(1, 2, announce=True)) in two.sent(ENGINE_0, ran(KILLED, 1))


@pytest.mark.parametrize("prospect", [MORE, HostSays(b"", Coming(restarts=True))], ids=["more", "restarts"])
def test_where_others_are_to_come_it_is_run_again(two: Play, prospect: HostSays) -> None:
    two(HOST, prospect)
    two(CLIENT, submit(1))

    assert (ENGINE_1, run(1, 2, announce=True)) in two.sent(ENGINE_0, ran(EXITED, 1))


def test_those_that_waited_behind_it_run_on_the_last_one_without_blame(two: Play) -> None:
    two(ENGINE_1, CUT)
    two(CLIENT, submit(1))
    two(CLIENT, submit(2))
    two(11, EngineUp(instance_id(1)))

    sent = two.sent(ENGINE_0, ran(EXITED, 2))

    assert [message.task for _, message in sent if isinstance(message, Run)] == [task(1)]
    assert [message.task for _, message in sent if isinstance(message, Result)] == [task(2)]


def test_nobody_is_blamed_where_nothing_ran(two: Play) -> None:
    two(CLIENT, submit(1))

    assert (ENGINE_1, run(1, 2, announce=True)) in two.sent(ENGINE_0, ran(EXITED))


def test_a_known_culprit_ends_after_exactly_max_engine_losses(play: Play) -> None:
    for number in range(5):
        play(10 + number, EngineUp(instance_id(number)))
    play(CLIENT, submit(1, options=Options(max_engine_losses=2)))
    assert results(play, 10, ran(EXITED, 1)) == {}

    assert results(play, 11, ran(EXITED, 1, attempt=2))[1][0] == Status.LOST


def test_of_several_engines_that_may_run_it_the_last_is_spared_too(play: Play) -> None:
    for number in range(4):
        play(10 + number, EngineUp(instance_id(number)))
    play(CLIENT, submit(1, options=Options(engines=(0, 2))))

    status, words = results(play, 10, ran(EXITED, 1))[1]

    assert status == Status.LOST
    assert words.endswith("engine 2 is the last one left that may run it")


def test_without_rerun_lost_retries_do_not_reach_the_last_one(two: Play) -> None:
    two(CLIENT, submit(1, options=Options(rerun_lost=False, retries=5)))
    two(ENGINE_0, Started(task(1), 1))

    assert results(two, ENGINE_0, ran(EXITED, 1)).keys() == {1}


def test_what_waits_when_the_last_engine_dies_ends_with_all_causes(two: Play) -> None:
    for number in range(1, 9):
        two(CLIENT, submit(number))
    two(ENGINE_1, Death("killed by SIGSEGV", own=True, running=()))

    ended = results(two, ENGINE_0, KILLED)

    words = "there are no engines left (engine 1: killed by SIGSEGV; engine 0: killed by SIGKILL)"
    assert ended == dict.fromkeys(range(1, 9), (Status.NO_ENGINE, words))


def test_a_call_made_when_none_is_left_ends_at_once(two: Play) -> None:
    two(ENGINE_0, KILLED)
    two(ENGINE_1, EXITED)

    words = "there are no engines left (engine 0: killed by SIGKILL; engine 1: exit code 3)"
    assert results(two, CLIENT, submit(1)) == {1: (Status.NO_ENGINE, words)}
    assert results(two, CLIENT, submit(2, options=Options(engines=(0, 1)))) == {2: (Status.NO_ENGINE, words)}


def test_many_deaths_are_told_in_short(play: Play) -> None:
    for number in range(20):
        play(10 + number, EngineUp(instance_id(number)))
    for number in range(20):
        play(10 + number, KILLED)

    _, words = results(play, CLIENT, submit(1))[1]

    assert words.count("SIGKILL") == 8
    assert "12 others" in words


def test_before_the_first_engine_calls_wait(play: Play) -> None:
    assert results(play, CLIENT, submit(1)) == {}
    assert results(play, HOST, MORE) == {}
    assert results(play, HOST, NO_MORE) == {}
    assert play.state.check() is None
    assert explain_task(play.state, task(1)).why == "there are no engines"


@pytest.mark.parametrize("end", [NO_MORE, HostEnd(b"host")], ids=["none is to come", "the host is gone"])
def test_while_a_host_starts_others_calls_wait(two: Play, end: Event) -> None:
    two(HOST, MORE)
    two(ENGINE_0, KILLED)
    two(ENGINE_1, KILLED)

    assert results(two, CLIENT, submit(1)) == {}
    assert explain_task(two.state, task(1)).why == "there are no engines; 1 is starting"
    assert results(two, HOST, end)[1][0] == Status.NO_ENGINE


def test_a_host_that_nobody_knows_may_go(two: Play) -> None:
    assert two.sent(HOST, HostEnd(b"other")) == []


def test_calls_wait_for_an_engine_that_is_only_away(two: Play) -> None:
    two(ENGINE_0, KILLED)
    two(ENGINE_1, CUT)

    assert results(two, CLIENT, submit(1)) == {}


def test_calls_for_an_engine_that_is_being_restarted_wait_for_it(play: Play) -> None:
    play(ENGINE_0, EngineUp(instance_id(0), host=b"host"))
    play(ENGINE_1, EngineUp(instance_id(1), host=b"other"))
    play(HOST, HostSays(b"host", Coming(1, 1, restarts=True)))
    play(ENGINE_0, EXITED)
    only_0 = Options(engines=(0,))
    assert results(play, CLIENT, submit(1, options=only_0)) == {}

    sent = play.sent(12, EngineUp(instance_id(2), wanted_id=0, host=b"host"))

    assert (12, run(1)) in sent
    play(HOST, RESTARTS)
    assert results(play, 12, Finished(1, task(1), 1, OK)) == {1: (Status.OK, "")}


def test_they_end_when_it_does_not_come(play: Play) -> None:
    play(ENGINE_0, EngineUp(instance_id(0), host=b"host"))
    play(ENGINE_1, EngineUp(instance_id(1), host=b"other"))
    play(HOST, HostSays(b"host", Coming(1, 1, restarts=True)))
    play(ENGINE_0, EXITED)
    play(CLIENT, submit(1, options=Options(engines=(0,))))

    status, words = results(play, HOST, RESTARTS)[1]

    assert status == Status.LOST
    assert words == "no remaining engine may run this task; it was restricted to: engine 0 (exit code 3)"


def test_others_that_are_to_come_do_not_make_calls_for_a_dead_engine_wait(two: Play) -> None:
    two(HOST, MORE)
    two(ENGINE_1, KILLED)

    assert results(two, CLIENT, submit(1, options=Options(engines=(1,))))[1][0] == Status.LOST


def test_new_engines_run_new_calls(two: Play) -> None:
    two(ENGINE_0, KILLED)
    two(ENGINE_1, KILLED)
    two(CLIENT, submit(1))
    two(12, EngineUp(instance_id(2)))

    assert two.sent(CLIENT, submit(2)) == [(12, run(2))]


def test_a_task_that_waits_is_not_blamed_for_the_host_that_ended(two: Play) -> None:
    words = "there are no engines left (engine 0: its ipcluster has ended; engine 1: it left)"
    two(CLIENT, submit(1))
    two(ENGINE_0, Death("its ipcluster has ended"))

    sent = two.sent(ENGINE_1, Death("it left"))

    outcomes = [message.outcome for _, message in sent if isinstance(message, Result)]
    assert outcomes == [Outcome(Status.NO_ENGINE, 0.0, 0.0, words)]


@pytest.mark.parametrize("says", [(RESTARTS,), ()], ids=["said so", "said nothing yet"])
def test_a_host_that_has_not_noticed_the_death_of_the_last_engine_is_expected_to_start_another(
    play: Play, says: tuple[HostSays, ...]
) -> None:
    """It is stopped, or cut off from the controller, perhaps before it could say what it does."""
    play(HOST, HostUp(b"host"))
    for each in says:
        play(HOST, each)
    play(ENGINE_0, EngineUp(instance_id(0), host=b"host", spawned=True, pid=7))
    play(CLIENT, submit(1))
    play(ENGINE_0, EngineClosed(Closing(Why.CLOSED, "closed")))
    play(ENGINE_0, Seen(lives=False))

    play.tick(play.state.limits.host_seconds + 1)

    assert not play.state.engines
    assert explain_task(play.state, task(1)).state == "queued"
    back = play.sent(ENGINE_1, EngineUp(instance_id(1), host=b"host", spawned=True, pid=8))
    assert (ENGINE_1, run(1, 2, announce=True)) in back


def test_once_it_has_said_that_nothing_comes_tasks_end(play: Play) -> None:
    play(HOST, HostUp(b"host"))
    play(HOST, RESTARTS)
    play(ENGINE_0, EngineUp(instance_id(0), host=b"host", spawned=True, pid=7))
    play(CLIENT, submit(1))
    play(ENGINE_0, EngineClosed(Closing(Why.CLOSED, "closed")))
    play(ENGINE_0, Seen(lives=False))
    play.tick(play.state.limits.host_seconds + 1)

    assert results(play, HOST, NO_MORE)[1][0] is Status.NO_ENGINE


def stopped_host(play: Play, engines: int) -> None:
    """Have all engines of a host die of which it notices nothing, and be given up."""
    play(HOST, HostUp(b"host"))
    play(HOST, RESTARTS)
    for number in range(engines):
        play(ENGINE_0 + number, EngineUp(instance_id(number), host=b"host", spawned=True, pid=7))
    play(CLIENT, submit(1))
    for number in range(engines):
        play(ENGINE_0 + number, EngineClosed(Closing(Why.CLOSED, "closed")))
        play(ENGINE_0 + number, Seen(lives=False))
    play.tick(play.state.limits.host_seconds + 1)


def exit_of(number: int) -> EngineExited:
    return EngineExited(instance_id(number), "killed by SIGKILL")


def test_what_a_host_says_before_it_has_noticed_a_death_ends_nothing(play: Play) -> None:
    """It was stopped: it says first what it knew, and then sees what has happened, one engine after the other."""
    stopped_host(play, 2)

    for said in (RESTARTS, HostSays(b"host", Coming(1, 1, restarts=True)), exit_of(0), RESTARTS):
        assert results(play, HOST, said) == {}

    assert results(play, HOST, exit_of(1))[1][0] is Status.NO_ENGINE
    assert not play.state.unsaid


def test_what_comes_in_the_place_of_engines_whose_ends_are_told_late_is_counted_once(play: Play) -> None:
    stopped_host(play, 2)
    assert to_come(play.state) == 2

    play(HOST, HostSays(b"host", Coming(1, 1, restarts=True)))
    play(HOST, exit_of(0))
    assert to_come(play.state) == 2
    play(HOST, HostSays(b"host", Coming(2, 2, restarts=True)))
    play(HOST, exit_of(1))

    assert to_come(play.state) == 2


def test_an_engine_that_was_given_up_and_is_back_is_not_expected_to_be_replaced(play: Play) -> None:
    stopped_host(play, 1)

    play(ENGINE_1, EngineUp(instance_id(0), host=b"host", spawned=True, pid=7))

    assert to_come(play.state) == 0
