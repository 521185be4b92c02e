"""A peer that says what is not so: it hurts itself at most. What is told of others is not believed."""

from __future__ import annotations

import pytest

from engineroom.core.events import ClientGone, ClientUp, EngineUp, HostSays
from engineroom.core.limits import Limits
from engineroom.core.membership import engine_id_of
from engineroom.core.not_allowed import LAST_TASK, NotAllowedError
from engineroom.ids import Peer, TaskId
from engineroom.protocol.messages import Coming, EngineInfo, Finished, Outcome, Result, Run, Started, Status, Submit
from engineroom.protocol.ranges import MOST, MOST_ENGINES
from tests.unit.core.conftest import CLIENT, ENGINE_0, ENGINE_1
from tests.unit.core.pretend import CALL, OK, Death, Play, instance_id, session_id, task

OTHER = 2


@pytest.fixture
def both(two: Play) -> Play:
    """Return a core with clients 1 and 2, and two engines."""
    two.connect(OTHER)
    return two


def refused(play: Play, peer: int, event: Submit) -> None:
    """Have `event` refused, with nothing changed."""
    with pytest.raises(NotAllowedError):
        play.quietly(peer, event)
    play.state.check()
    assert not play.state.out


def test_tasks_of_another_session_are_not_taken(both: Play) -> None:
    refused(both, OTHER, Submit(task(1, CLIENT), CALL))

    assert [type(message) for _, message in both.sent(CLIENT, Submit(task(1, CLIENT), CALL))] == [Run]


@pytest.mark.parametrize("number", [2**64 - 1, 2**63, MOST, LAST_TASK + 1])
def test_numbers_without_a_next_one_are_not_taken(both: Play, number: int) -> None:
    refused(both, CLIENT, Submit(task(number, CLIENT), CALL, to=instance_id(0) + instance_id(1)))

    both(CLIENT, Submit(task(LAST_TASK, CLIENT), CALL, to=instance_id(0) + instance_id(1)))
    assert both.state.clients[Peer(CLIENT)].known_up_to < MOST


def test_an_engine_ends_only_what_it_holds(both: Play) -> None:
    [(engine, run)] = both.sent(CLIENT, Submit(task(1, CLIENT), CALL, to=instance_id(0)))
    assert engine == ENGINE_0
    assert isinstance(run, Run)

    assert both.sent(ENGINE_1, Finished(1, run.task, run.attempt, OK)) == []
    assert both.sent(ENGINE_1, Started(run.task, run.attempt)) == []
    assert both.sent(ENGINE_0, Finished(1, run.task, run.attempt + 1, OK)) == []

    [(client, result)] = both.sent(ENGINE_0, Finished(2, run.task, run.attempt, OK))
    assert client == CLIENT
    assert isinstance(result, Result)


def test_results_that_nobody_waits_for_leave_nothing(both: Play) -> None:
    for number in range(1, 20_001):
        both.quietly(ENGINE_0, Finished(number * 2, TaskId(number.to_bytes(24)), 1, OK))
    both.tick(1.0)

    engine = both.state.engines[0]
    assert not engine.unacknowledged
    assert len(engine.beyond) <= 10_000


def test_a_run_time_is_not_longer_than_the_engine_is_here(both: Play) -> None:
    [(_, run)] = both.sent(CLIENT, Submit(task(1, CLIENT), CALL))
    assert isinstance(run, Run)
    both.now += 100.0

    both(ENGINE_0, Finished(1, run.task, run.attempt, Outcome(Status.OK, 0.0, 1e10)))

    assert both.state.clients[Peer(CLIENT)].used < 101.0


def joined(play: Play, number: int, info: EngineInfo, wanted: int | None = None, host: bytes = b"") -> int | None:
    """Return the id of one more engine."""
    play(100 + number, EngineUp(instance_id(number), info=info, wanted_id=wanted, or_another=bool(host), host=host))
    return engine_id_of(play.state, instance_id(number))


@pytest.mark.parametrize("size", [MOST_ENGINES, 2**16 + 1])
def test_a_world_of_too_many_ranks_has_no_ids_of_its_own(two: Play, size: int) -> None:
    assert joined(two, 5, EngineInfo(launch="a", mpi_rank=7, mpi_size=size)) == 2
    assert joined(two, 6, EngineInfo()) == 3


def test_a_rank_outside_its_world_gets_what_is_free(two: Play) -> None:
    assert joined(two, 5, EngineInfo(launch="a", mpi_rank=7, mpi_size=3)) == 5
    assert joined(two, 6, EngineInfo()) == 6


def test_ids_stay_in_range_whatever_worlds_say_they_are(play: Play) -> None:
    for number in range(40):
        info = EngineInfo(launch=str(number), mpi_rank=2**16 - 1, mpi_size=2**16)
        assert joined(play, number, info) in range(MOST_ENGINES)
    assert joined(play, 50, EngineInfo(), wanted=MOST_ENGINES - 1) in {MOST_ENGINES - 1, None}
    assert joined(play, 51, EngineInfo()) in range(MOST_ENGINES)


def test_an_id_is_kept_for_the_engine_that_its_host_may_start_again(two: Play) -> None:
    two(1, HostSays(b"h" * 16, Coming(restarts=True)))
    id_ = joined(two, 5, EngineInfo(), host=b"h" * 16)
    two(105, Death("killed by SIGKILL"))

    assert joined(two, 6, EngineInfo(), wanted=id_, host=b"o" * 16) != id_
    assert joined(two, 7, EngineInfo(), wanted=id_, host=b"h" * 16) == id_


def test_clients_that_come_and_go_leave_little() -> None:
    play = Play(Limits(gone_sessions=10))
    for number in range(1, 200):
        play(number, ClientUp(session_id(number)))
        play(number, ClientGone())

    assert len(play.state.sessions) == 10


@pytest.mark.parametrize("targets", [b"x", b"x" * 17])
def test_what_names_no_engines_is_not_taken(both: Play, targets: bytes) -> None:
    refused(both, CLIENT, Submit(task(1, CLIENT), CALL, to=targets))

    assert both.state.clients[Peer(CLIENT)].known_up_to == 0
