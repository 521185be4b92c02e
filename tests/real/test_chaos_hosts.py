"""Chaos on several machines: processes are killed and stopped, machines are cut off; nothing is lost or repeated."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

import engineroom as er
from tests.chaos.ends import lives
from tests.chaos.faults import CONTROLLER, ENGINE, ON_MACHINES, SPAWNER, Fault, draw
from tests.chaos.records import BUSY
from tests.chaos.story import Told, go_through
from tests.chaos.victim import part_of
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.real.hosts import Hosts

IPCLUSTER = str(Path(sys.executable).parent / "ipcluster")
ENGINES_AT = ("two", "three")
LONGEST = 2.5
"""Seconds for which a machine is cut off, and does not know what happens elsewhere."""


class Machines:
    """A controller on machine `one`, two engines each on machines `two` and `three`."""

    def __init__(self, hosts: Hosts, profile: str) -> None:
        self._hosts = hosts
        listen = ("--ip=*", f"--location={hosts.addresses['one']}", "--ping=100")  # silence of 1 s is a cut
        self.roots = [hosts.run("one", IPCLUSTER, "start", "-n", "0", profile, *listen)]
        self.roots += [hosts.run(name, IPCLUSTER, "engines", "-n", "2", profile) for name in ENGINES_AT]

    def send(self, whom: str, which: int, signum: int) -> int | None:
        found = sorted(self._pids(whom))
        with contextlib.suppress(ProcessLookupError):
            if found:
                pid = found[which % len(found)]
                os.kill(pid, signum)
                return pid
        return None

    def part(self, fault: Fault) -> None:
        self._hosts.cut(ENGINES_AT[fault.which % 2])

    def join(self, fault: Fault) -> None:
        self._hosts.mend(ENGINES_AT[fault.which % 2])

    def stop(self) -> None:
        for root in reversed(self.roots):
            root.send_signal(signal.SIGTERM)
        for root in self.roots:
            root.communicate(timeout=SECONDS)

    def _pids(self, whom: str) -> list[int]:
        found: list[int] = []
        for root in self.roots[1:] if whom in {ENGINE, SPAWNER} else self.roots[:1]:
            with contextlib.suppress(psutil.Error):
                children = psutil.Process(root.pid).children()
                wanted = CONTROLLER if whom == CONTROLLER else SPAWNER
                of_kind = [child for child in children if part_of(child) == wanted]
                if whom == ENGINE:
                    of_kind = [engine for spawner in of_kind for engine in spawner.children()]
                found += [each.pid for each in of_kind]
        return found


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_or_repeated_and_nothing_is_left(hosts: Hosts, tmp_path: Path, seed: int) -> None:
    machines, told = Machines(hosts, f"--profile-dir={tmp_path}"), Told()
    faults = draw(seed, 14, within=12.0, kinds=ON_MACHINES, longest=LONGEST)
    with er.Client(profile_dir=str(tmp_path), timeout=SECONDS) as rc:
        rc.wait_for_engines(4, timeout=SECONDS)
        go_through(rc, machines, faults, told, tmp_path / "runs", tasks=400, seconds=0.1, known_within=LONGEST + BUSY)
    happened = "\n  ".join(told.done)
    assert not told.wrong, f"{told.wrong[:20]}\nwhat happened (seed {seed}):\n  {happened}"
    everybody = [child for root in machines.roots for child in psutil.Process(root.pid).children(recursive=True)]
    machines.stop()
    assert wait_until(lambda: not any(map(lives, everybody)))
