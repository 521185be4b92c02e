"""Engines, controllers and clients that are killed while large results stay: calls have them, and nothing is left."""

from __future__ import annotations

import os
import signal

import pytest

from engineroom import Client
from tests.chaos.faults import CONTROLLER, ENGINE
from tests.chaos.victim import Victim
from tests.patience import SECONDS
from tests.system.conftest import answers, until
from tests.system.held_tasks import Mark, wait_for_file
from tests.system.killed.conftest import FORGETFUL
from tests.system.killed.test_killed_amid_data import client_that, have, nothing_is_left
from tests.system.values_here import make, total
from tests.unit.machine.kernels import tells_written_pages

MIB = 2**20


@pytest.fixture
def options() -> tuple[str, ...]:
    return FORGETFUL


def kill(victim: Victim, whom: str, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: len(victim.pids(ENGINE)) == 2 and victim.pids(CONTROLLER) and pid not in victim.pids(whom))


def test_calls_have_what_they_took_whoever_is_killed_meanwhile(victim: Victim, rc: Client, mark: Mark) -> None:
    for seed, whom in enumerate((CONTROLLER, ENGINE, CONTROLLER)):
        maker = rc[0].apply_sync(os.getpid)
        first, wanted = rc[0].apply_async(make, seed), int(make(seed).sum())
        first.wait(SECONDS)
        running = rc[1].apply_async(total, first, str(mark))
        queued = rc[1].apply_async(total, first)
        kill(victim, whom, maker if whom == ENGINE else victim.pids(whom)[0])
        mark.set()
        assert (running.get(SECONDS), queued.get(SECONDS)) == (wanted, wanted)
        until(lambda: answers(rc, slice(None), int) == [0, 0])  # both are back
        assert rc[:].apply_sync(total, first) == [wanted] * 2
        mark.clear()


def test_a_result_outlives_its_engine_and_then_the_controller(victim: Victim, rc: Client) -> None:
    first, wanted = rc[0].apply_async(make, 7), int(make(7).sum())
    first.wait(SECONDS)
    for whom in (ENGINE, CONTROLLER):
        kill(victim, whom, victim.pids(whom)[0])
        until(lambda: answers(rc, slice(None), int) == [0, 0])
        assert rc[:].apply_sync(total, first) == [wanted] * 2


def test_calls_have_what_their_client_has_though_all_who_had_it_are_killed(
    victim: Victim, rc: Client, mark: Mark
) -> None:
    maker = rc[0].apply_sync(os.getpid)
    unread, read, dropped = (rc[0].apply_async(make, seed) for seed in (31, 32, 33))
    short = rc[0].apply_async(sum, [1, 2])
    rc[1].apply_async(wait_for_file, str(mark))
    soon = rc[1].apply_async(int, short)
    rc.wait([unread, read, dropped, short], SECONDS)
    queued = [rc[1].apply_async(total, its) for its in (unread, read, dropped)]
    assert short.get(SECONDS) == 3
    value = read.get(SECONDS) if tells_written_pages() else make(32)
    del dropped
    controller = victim.pids(CONTROLLER)[0]
    for pid in (maker, controller):
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(rc._session.pins.made_again) == 4)
    changed = unread.get(SECONDS)
    changed[:] = 0  # what is on its way stays as it was
    mark.set()
    wanted = [int(make(seed).sum()) for seed in (31, 32, 33)]
    assert [each.get(SECONDS) for each in queued] == wanted
    assert soon.get(SECONDS) == 3
    assert not rc._session.pins.made_again
    assert int(value.sum()) == wanted[1]


HAS_MUCH = """
import sys
import numpy as np
from engineroom import Client
rc = Client(sys.argv[1])
results = [rc[0].apply_async(np.ones, 3 * 2**20) for _ in range(4)]
for each in results:
    each.wait()
assert rc[1].apply_sync(len, results[0]) == 3 * 2**20
print("begins", flush=True)
while True:
    rc[1].apply_sync(len, results[0])
"""


def test_when_the_session_of_a_killed_client_is_over_nothing_is_left(victim: Victim, rc: Client) -> None:
    with client_that("", victim, HAS_MUCH):
        assert len(have(victim.pids(CONTROLLER))) >= 4
    until(lambda: nothing_is_left(rc, victim))
