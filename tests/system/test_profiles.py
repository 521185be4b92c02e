"""Profiles from the command line: made, filled with spellings of every era, and used by real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command
from tests.system.in_process import ipcluster

Start = Callable[..., Command]

STAND_IN = Path(__file__).parents[2] / "compat" / "ipyparallel" / "src"
FILES = ["ipcluster_config.py", "ipcontroller_config.py", "ipengine_config.py"]
SEED = {
    "ipcluster": """
c.IPClusterStart.controller_launcher_class = 'IPython.parallel.apps.launcher.LocalControllerLauncher'
c.IPClusterEngines.engine_set_launcher_class = 'LocalEngineSetLauncher'
c.IPClusterEngines.n = 3
""",
    "ipcontroller": """
c.HubFactory.ip = '*'
c.HubFactory.location = '127.0.0.1'
c.HubFactory.ssh_server = 'login.mycluster.net'
c.HubFactory.mux = (10201, 10202)
c.HubFactory.db_class = 'IPython.parallel.controller.dictdb.DictDB'
""",
    "ipengine": """
c.IPEngineApp.startup_command = 'import os; scratch = os.getcwd()'
c.IPEngineApp.work_dir = {work_dir!r}
""",
}


@pytest.fixture
def seed(profile: Profile, tmp_path: Path) -> Profile:
    """Return the default profile with files as IPython.parallel's users wrote them."""
    profile.prepare()
    for program, text in SEED.items():
        (profile.path / f"{program}_config.py").write_text(text.format(work_dir=str(tmp_path)))
    return profile


def test_a_new_profile_has_three_files_which_stay_as_they_are(command: Start, profile: Profile) -> None:
    command("ipcluster", "profile", "create", "mine").succeeds()
    place = profile.path.parent / "profile_mine"
    assert sorted(path.name for path in place.glob("*.py")) == FILES
    (place / FILES[0]).write_text("c.Cluster.n = 1\n")
    assert "unchanged:" in ipcluster("profile", "create", "--profile=mine").succeeds().output
    assert (place / FILES[0]).read_text() == "c.Cluster.n = 1\n"
    ipcluster("profile", "create", "mine", "--reset").succeeds()
    assert "# c.Cluster.n = None" in (place / FILES[0]).read_text()
    for words in (["create", "a", "b"], ["creat", "a"], []):
        assert ipcluster("profile", *words).ends() == 2


def test_a_cluster_by_files_of_the_seed(command: Start, seed: Profile, tmp_path: Path) -> None:
    start = ipcluster("start", "-n", "1", "--daemonize").succeeds()
    try:
        assert "IPClusterEngines.n is an old name: it is now Cluster.n" in start.output
        assert start.output.count("ignored, because it has no meaning here: HubFactory.mux") == 1
        written = json.loads(seed.connection_file("client").read_text())
        assert (written["ssh"], written["location"]) == ("login.mycluster.net", "127.0.0.1")
        with Client(timeout=SECONDS) as rc:
            assert len(rc.wait_for_engines(1, timeout=SECONDS) or rc.ids) == 1
            assert rc[0].pull("scratch").get(SECONDS) == str(tmp_path)
    finally:
        ipcluster("stop").succeeds()


def test_a_cluster_from_python_by_files_of_the_seed(seed: Profile) -> None:
    with Cluster() as rc:
        assert len(rc) == 3


def test_a_controller_by_options_of_the_seed(command: Start, profile: Profile) -> None:
    start = command("ipcontroller", "--IPControllerApp.reuse_files=True", "--HubFactory.location=10.0.1.5", "--secure")
    start.says("controller listens")
    assert json.loads(profile.connection_file("engine").read_text())["location"] == "10.0.1.5"
    assert start.signal(15).ends() == 0


@pytest.mark.parametrize("program", [("ipcontroller",), ("ipcluster", "start", "-n", "1")])
def test_a_database_that_does_not_exist(program: tuple[str, ...], command: Start, profile: Profile) -> None:
    profile.prepare()
    line = "c.HubFactory.db_class = 'IPython.parallel.controller.shelf.Shelf'\n"
    (profile.path / "ipcontroller_config.py").write_text(line)
    start = command(*program)
    assert start.ends() == 2
    assert "does not exist; the choices are DictDB, SQLiteDB, MongoDB, NoDB" in start.output
    assert "Traceback" not in start.output


def test_a_launcher_that_does_not_exist(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "--engines=Slurn")
    assert start.ends() == 2
    assert "the launcher of engines 'Slurn' does not exist; the choices are Local, SSH, MPI" in start.output


def test_where_values_come_from(command: Start, seed: Profile) -> None:
    lines = command("ipcluster", "config", "-n", "2").succeeds().output.splitlines()
    found = {line.split()[0]: line.split()[1:] for line in lines if " " in line}
    assert found["Cluster.n"] == ["2", "command", "line"]
    assert found["IPController.ip"] == ["'*'", str(seed.path / "ipcontroller_config.py")]
    assert found["HeartMonitor.period"] == ["3000", "default"]


def ipython(*arguments: str, directory: Path) -> str:
    """Run a command of IPython's, with our stand-in for ipyparallel in reach; return all that it says."""
    path = os.pathsep.join([str(STAND_IN), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "default", "-m", *arguments],
        env={**os.environ, "PYTHONPATH": path, "IPYTHONDIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    return done.stdout


def test_ipython_profile_create_parallel(tmp_path: Path) -> None:
    create = ("IPython", "profile", "create", "--parallel", "--profile=seed")
    said = ipython(*create, directory=tmp_path)
    assert "Warning" not in said
    place = tmp_path / "profile_seed"
    assert "# c.Cluster.n = None" in (place / "ipcluster_config.py").read_text()
    # IPython adds a file for its kernel if that is installed.
    assert {*FILES, "ipython_config.py"} == {path.name for path in place.glob("*.py")} - {"ipython_kernel_config.py"}
    (place / FILES[0]).write_text("c.IPClusterEngines.n = 2\n")
    ipython(*create, directory=tmp_path)
    assert (place / FILES[0]).read_text() == "c.IPClusterEngines.n = 2\n"
    with Cluster(profile="seed", ipython_dir=tmp_path) as rc:
        assert len(rc) == 2
