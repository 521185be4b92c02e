"""Ids of engines that are ranks of MPI worlds."""

from __future__ import annotations

from engineroom.core.events import EngineUp, HostSays
from engineroom.core.membership import engine_id_of
from engineroom.protocol.messages import Coming, EngineInfo
from tests.unit.core.pretend import Death, Play, instance_id

HOST = b"host"


class Arrivals:
    """Engines that arrive one by one."""

    def __init__(self, play: Play) -> None:
        self.play, self.last = play, 0

    def rank(self, rank: int, *, of: int, launch: str = "a") -> int | None:
        return self._arrive(EngineInfo(launch=launch, mpi_rank=rank, mpi_size=of))

    def other(self, launch: str = "") -> int | None:
        return self._arrive(EngineInfo(launch=launch))

    def leave(self) -> None:
        """The last one leaves."""
        self.play(10 + self.last, Death("gone"))

    def _arrive(self, info: EngineInfo) -> int | None:
        self.last += 1
        self.play(10 + self.last, EngineUp(instance_id(self.last), info=info, host=HOST if info.launch else b""))
        return engine_id_of(self.play.state, instance_id(self.last))


def test_ranks_are_ids_in_whatever_order_they_come(play: Play) -> None:
    arrivals = Arrivals(play)
    assert [arrivals.rank(rank, of=3) for rank in (2, 0, 1)] == [2, 0, 1]


def test_a_second_world_is_numbered_after_the_first_also_if_that_is_not_complete(play: Play) -> None:
    arrivals = Arrivals(play)
    assert arrivals.rank(1, of=3) == 1
    assert [arrivals.rank(rank, of=2, launch="b") for rank in (1, 0)] == [4, 3]
    assert [arrivals.rank(rank, of=3) for rank in (0, 2)] == [0, 2]


def test_an_engine_of_no_world_takes_no_id_of_a_rank_to_come(play: Play) -> None:
    arrivals = Arrivals(play)
    assert arrivals.rank(1, of=3) == 1
    assert arrivals.other() == 3
    assert [arrivals.rank(rank, of=3) for rank in (0, 2)] == [0, 2]
    assert arrivals.other() == 4


def test_a_world_beside_engines_that_were_there_first(play: Play) -> None:
    arrivals = Arrivals(play)
    assert arrivals.other() == 0
    assert [arrivals.rank(rank, of=2) for rank in (1, 0)] == [2, 1]


def test_a_set_that_its_host_starts_again_has_the_ids_that_it_had(play: Play) -> None:
    arrivals = Arrivals(play)
    assert [arrivals.other(launch="x") for _ in range(3)] == [0, 1, 2]
    assert arrivals.other() == 3
    for number in (3, 1, 2, 4):
        play(10 + number, Death("gone"))
    assert arrivals.other(launch="x") == 4  # its job was queued again, whatever for
    play(1, HostSays(HOST, Coming(engines=3, returning=3)))
    assert [arrivals.other(launch="x") for _ in range(4)] == [0, 1, 2, 5]
    assert arrivals.other(launch="y") == 6
    assert arrivals.other() == 7


def test_a_world_that_is_started_again_has_the_ids_that_it_had(play: Play) -> None:
    arrivals = Arrivals(play)
    for _ in range(2):
        assert arrivals.rank(0, of=1) == 0
        arrivals.leave()


def test_two_worlds_in_one_launch_get_what_is_free(play: Play) -> None:
    arrivals = Arrivals(play)
    assert [arrivals.rank(rank, of=2) for rank in (0, 1, 0, 1)] == [0, 1, 2, 3]
