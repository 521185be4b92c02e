"""Engines as the ranks of MPI worlds, by Open MPI and by MPICH."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.errors import EngineError
from tests.patience import SECONDS, slowly
from tests.reader import Reader, Running
from tests.real.mpi import Mpi, mpich, open_mpi
from tests.system.conftest import processes_of_this_run, until

PAGE = "starting/mpi.md"
START = "ipcluster start --engines=MPI"


@pytest.fixture(params=[open_mpi, mpich])
def mpi(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mpi:
    """Have `mpiexec` be one of the two."""
    return use(request.param, tmp_path, monkeypatch)


def use(make: Callable[[Path], Mpi], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mpi:
    (tmp_path / "mpi").mkdir()
    mpi = make(tmp_path / "mpi")
    for name, value in mpi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{mpi.path}:{os.environ['PATH']}")
    return mpi


def client(reader: Reader, profile: str = "default") -> Client:
    return Client(profile_dir=str(reader.profile(profile).path), timeout=SECONDS)


def fails(start: Running, *words: str) -> None:
    start.says(*words)
    assert start.process.wait(SECONDS) == 1


def places(rc: Client) -> list[tuple[int, int]]:
    """Return rank and size as each engine's MPI says them."""
    code = "from mpi4py import MPI; place = MPI.COMM_WORLD.Get_rank(), MPI.COMM_WORLD.Get_size()"
    rc[:].execute(code, block=True)
    found: list[tuple[int, int]] = rc[:]["place"]
    return found


def test_engines_compute_together_and_end_in_good_order(mpi: Mpi, reader: Reader) -> None:
    [start] = reader.follows(PAGE, "mpi-start")
    assert reader.runs_python(PAGE, "mpi-use").splitlines() == ["[0, 1, 2, 3] [40, 40, 40, 40]", "[6, 6, 6, 6]"]
    with client(reader) as rc:
        assert places(rc) == [(rank, 4) for rank in range(4)]
        rc[:].execute("library = MPI.Get_library_version()", block=True)
        assert all(mpi.name in library for library in rc[:]["library"])
    start.interrupt()
    log = reader.profile().log_file("ipengines", "", "1").read_text()
    assert [line for line in log.splitlines() if " INFO " not in line] == []


def test_a_profile_a_second_world_and_nothing_is_left_when_ipcluster_is_killed(mpi: Mpi, reader: Reader) -> None:
    before = processes_of_this_run()
    reader.follows(PAGE, "mpi-profile")
    path = reader.profile("mpi").path / "ipcluster_config.py"
    reader.writes(PAGE, "mpi-config", path, after="c = get_config()\n")
    [start] = reader.follows(PAGE, "mpi-with-profile")
    [more] = reader.follows(PAGE, "mpi-more")
    [by_hand] = reader.follows(PAGE, "mpi-by-hand")
    with client(reader, "mpi") as rc:
        rc.wait_for_engines(8, timeout=SECONDS)
        assert places(rc) == [*((rank, 4) for rank in range(4)), *((rank, 2) for rank in (0, 1, 0, 1))]
        refused = reader.types("mpiexec -n 1 ipengine --mpi --profile=mpi")
        refused.says("engine id 0 is already used by a running engine")
    for host in (start, more):
        host.process.send_signal(signal.SIGKILL)
    until(lambda: not (processes_of_this_run().keys() - before.keys()))
    by_hand.process.wait(SECONDS)


def test_a_rank_that_dies_ends_its_world_and_all_is_said(mpi: Mpi, reader: Reader) -> None:
    start = reader.types(f"{START} -n 2")
    start.says("2 engines are ready")
    with client(reader) as rc:
        waiting = rc[0].execute("import threading; threading.Event().wait(60)", block=False)
        began = time.monotonic()
        with pytest.raises(EngineError, match=r"engine 1 on \S+ died"):
            rc[1].execute("import os; os.kill(os.getpid(), 9)", block=False).get(timeout=SECONDS)
        assert time.monotonic() - began < slowly(1)
        with pytest.raises(EngineError, match=r"engine 0 on \S+ died"):
            waiting.get(timeout=SECONDS)
    start.says("engine 1 died", "engine 0 died", "engine set 1 has ended: mpiexec: exit code ", "it said:")
    start.interrupt()


def test_worlds_of_one_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    mpi = use(mpich, tmp_path, monkeypatch)
    open_mpi(_made(tmp_path / "other"))
    environment = {**reader.environment, "PATH": f"{mpi.path}:{reader.environment['PATH']}"}
    reader.environment = {name: value for name, value in environment.items() if name not in mpi.environment}
    start = reader.types(f"{START} -n 2")
    start.says("2 engines are ready", "each engine is an MPI world of its own: mpiexec", "MPI4PY_MPIABI=mpich")
    assert "each engine is an MPI world of its own" in reader.types("ipcluster why || true").output
    start.interrupt()


def test_a_start_that_fails_shows_what_mpiexec_says_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: Reader
) -> None:
    open_mpi(_made(tmp_path / "mpi"))
    start = f"{START} --MPILauncher.mpi_cmd="
    fails(reader.types(f"{start}mpiexec.openmpi"), "attempt to run as root", "fix: ", "--allow-run-as-root")
    root = "mpiexec.openmpi --MPILauncher.mpi_args=--allow-run-as-root"
    fails(reader.types(f"{start}{root} -n 99"), "99 of 99 engines", "not enough slots", "fix: ", "--oversubscribe")
    fails(reader.types(f"{start}no-such-mpiexec"), "no-such-mpiexec can't be started: No such file", "fix: ")
    fails(
        reader.types(f"{start}mpiexec.openmpi --controller=MPI"), "the controller did not start", "run as root", "fix: "
    )
    assert list(reader.profile().pid_dir.iterdir()) == []


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
