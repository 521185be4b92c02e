"""A controller and a spawner that are killed are restarted by their host; what goes on, and what is said."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.errors import ControllerLost
from engineroom.protocol.connection_files import read_connection_file
from tests.chaos.faults import CONTROLLER, ENGINE, HOST, SPAWNER
from tests.chaos.victim import Victim
from tests.patience import SECONDS
from tests.system.conftest import Command, answers, dead_sockets, until
from tests.system.held_tasks import put, wait_for_file


def kill(victim: Victim, whom: str) -> int:
    """Kill it, and return its pid once another one has taken its place."""
    (pid,) = until(lambda: victim.pids(whom))
    os.kill(pid, signal.SIGKILL)
    until(lambda: victim.pids(whom) not in ([], [pid]))
    return pid


def test_what_is_killed_is_replaced_and_everybody_goes_on(
    victim: Victim, rc: Client, tmp_path: Path, command: Callable[..., Command]
) -> None:
    spawner_is_replaced(victim, rc)
    controller_is_replaced(victim, rc, tmp_path)
    place = f"--profile-dir={victim.profile.path}"
    why = command("ipcluster", "why", place).succeeds().output
    assert "the controller was restarted once" in why
    assert "the spawner was restarted once" in why
    assert "was restarted once" in command("ipcluster", "list", place).succeeds().output


def controller_is_replaced(victim: Victim, rc: Client, tmp_path: Path) -> None:
    file = victim.profile.connection_file("client")
    before, engines = read_connection_file(file), victim.pids(ENGINE)
    rc[:].push({"kept": 7}, block=True)
    running = rc.load_balanced_view().apply_async(wait_for_file, str(tmp_path / "mark"))
    pid = kill(victim, CONTROLLER)
    put(tmp_path / "mark", "done")
    assert running.get(timeout=SECONDS) == "done"
    rc.wait_for_engines(2, timeout=SECONDS)
    assert rc[:].pull("kept").get(timeout=SECONDS) == [7, 7]  # the same engines, under the same ids
    after = read_connection_file(file)
    assert (after.port, after.exec_key, after.certificate) == (before.port, before.exec_key, before.certificate)
    assert after.controller != before.controller
    assert victim.pids(ENGINE) == engines
    victim.says(f"the ipcontroller (pid {pid}) ended: killed by SIGKILL. It is restarted")
    victim.says("the controller is running again")
    state = until(lambda: _state_of_next(victim, pid))
    assert (state["restarts"], state["last_end"]["words"]) == (
        1,
        f"the ipcontroller (pid {pid}) ended: killed by SIGKILL",
    )


def _state_of_next(victim: Victim, pid: int) -> dict[str, object] | None:
    state: dict[str, object] = json.loads(victim.profile.cluster_file().read_text())["controller"]["state"]
    return state if state.get("pid") not in {None, pid} else None


def spawner_is_replaced(victim: Victim, rc: Client) -> None:
    engines = set(until(lambda: len(victim.pids(ENGINE)) == 2 and victim.pids(ENGINE)))
    results = rc.load_balanced_view().map_async(abs, range(50), chunksize=1)
    pid = kill(victim, SPAWNER)
    assert results.get(timeout=SECONDS) == list(range(50))
    until(lambda: len(set(victim.pids(ENGINE)) - engines) == 2)
    assert set(answers(rc, [0, 1], os.getpid)) == set(victim.pids(ENGINE))
    victim.says(f"the spawner (pid {pid}) ended: killed by SIGKILL. It is restarted")


def test_a_controller_that_dies_again_and_again_is_given_up_and_futures_end_with_the_reason(tmp_path: Path) -> None:
    with Victim(tmp_path, 1) as victim:
        with Client(victim.profile.connection_file("client"), timeout=SECONDS) as rc:
            rc.wait_for_engines(1, timeout=SECONDS)
            waiting = rc[0].apply_async(wait_for_file, str(tmp_path / "never"))

            def over() -> bool:
                victim.send(CONTROLLER, 0, signal.SIGKILL)
                return waiting.done()

            until(over)
            with pytest.raises(ControllerLost, match="the controller is not restarted again, because it died 5 times"):
                waiting.get(timeout=SECONDS)
        assert victim.ends() == 1
        assert "the controller is not restarted again, because it died 5 times in a row" in victim.output
        assert victim.left() == []
    until(lambda: not dead_sockets())


def test_a_host_that_is_killed_while_it_waits_to_restart_its_controller_leaves_nothing_and_ends_futures(
    tmp_path: Path,
) -> None:
    with Victim(tmp_path, 1) as victim:
        file = victim.profile.connection_file("client")
        with Client(file, timeout=SECONDS, reconnect_timeout=10 * SECONDS) as rc:
            waiting = rc.load_balanced_view().apply_async(wait_for_file, str(tmp_path / "never"))
            until(lambda: victim.send(CONTROLLER, 0, signal.SIGKILL) and "It is restarted in 1 s" in victim.output)
            victim.send(HOST, 0, signal.SIGKILL)
            words = rf"and so has the process that started it \(pid {victim.process.pid}\)\. Start a cluster with"
            with pytest.raises(ControllerLost, match=words):
                waiting.get(timeout=SECONDS)
        victim.ends()
        until(lambda: victim.left() == [])
    until(lambda: not dead_sockets())
