"""Launchers of users' own: as the documentation shows them, and as they go wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from traitlets.config import Config

from engineroom import Client, Cluster, LaunchError
from engineroom.cluster.launcher import SlurmEngineSetLauncher
from engineroom.machine.own_modules import places_for
from engineroom.settings.engine_places import may_be_elsewhere
from engineroom.settings.launcher_classes import import_launcher
from engineroom.settings.profiles import Profile
from tests.documented import blocks, typed
from tests.reader import Reader
from tests.system.conftest import Command, answers, processes_of_this_run, until
from tests.system.fake_scheduler import FakeScheduler
from tests.system.in_process import Done, ipcluster

PAGE = "starting/own-launchers.md"
NAME = "nicelaunch.NiceEngineSetLauncher"

Start = Callable[..., Command]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the page's launcher as a module in the working directory."""
    here = tmp_path / "work"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delitem(sys.modules, "nicelaunch", raising=False)  # another test's
    path = here / "nicelaunch.py"
    path.write_text(blocks(PAGE)["own-launcher"])
    return path


def start_here(*arguments: str) -> Done:
    """Do what `ipcluster start` does with these arguments, which it refuses before anything is started."""
    sys.modules.pop("nicelaunch", None)  # an earlier one
    done = ipcluster("start", "-n", "1", *arguments)
    assert done.ends() == 2
    assert "Traceback" not in done.output
    return done


def test_the_example_of_the_page(reader: Reader) -> None:
    reader.writes(PAGE, "own-launcher", "nicelaunch.py")
    [start] = reader.follows(PAGE, "own-start")
    assert reader.runs_python(PAGE, "own-use").strip() == "[10, 10]"
    reader.types("ipcluster stop")
    start.ends()
    assert [each for each in start.lines if "died" in each] == []


def test_a_module_beside_the_profiles_files(reader: Reader) -> None:
    place = reader.profile("nice").path
    reader.writes(PAGE, "own-launcher", place / "nicelaunch.py")
    reader.writes(PAGE, "own-config", place / "ipcluster_config.py")
    shown = reader.types("ipcluster config --profile=nice").output
    assert "NiceEngineSetLauncher.nice " in shown
    start = reader.types("ipcluster start --profile=nice -n 1 --daemonize")
    assert "is not an option" not in start.output
    try:
        code = "import engineroom, os; print(engineroom.Client(profile='nice')[0].apply_sync(os.nice, 0))"
        assert reader.types(f'python -c "{code}"').output.strip() == "15"
    finally:
        reader.types("ipcluster stop --profile=nice")


def test_an_installed_entry_point(reader: Reader) -> None:
    site = reader.writes(PAGE, "own-launcher", "site/nicelaunch.py").parent
    project = tomllib.loads(blocks(PAGE)["own-package"])["project"]
    [(group, points)] = project["entry-points"].items()
    installed = site / f"{project['name']}-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in points.items()))
    reader.environment["PYTHONPATH"] = str(site)
    reader.follows(PAGE, "own-entry-point")


def test_a_batch_system_of_ones_own(reader: Reader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fleet = FakeScheduler(tmp_path, monkeypatch, "fleet", "fleet")
    fleet.serves(reader)
    reader.writes(PAGE, "own-batch", "fleetlaunch.py")
    start, stop = typed(PAGE, "own-batch-start")
    script = reader.profile().path / "fleet_engines-1"
    reader.types(start)
    assert script.read_text().splitlines()[1] == "#FLEET name ipengine"
    assert "#FLEET lane left" in script.read_text()
    assert len(fleet.jobs()) == 2
    reader.types(stop)
    assert [fleet.pids(job) for job in fleet.jobs()] == [[], []]


def test_a_job_that_waits_or_is_refused(command: Start, module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = FakeScheduler(module.parent, monkeypatch, "fleet", "fleet")
    (module.parent / "fleetlaunch.py").write_text(blocks(PAGE)["own-batch"])
    arguments = ("ipcluster", "start", "-n", "1", "--engines=fleetlaunch.FleetEngineSetLauncher")
    fleet.say("reject", "no trucks today")
    start = command(*arguments)
    assert start.ends() == 1
    assert "Fleet refused the job: no trucks today" in start.output
    (module.parent / "jobs" / "reject").unlink()
    fleet.say("hold", "for more trucks")
    start = command(*arguments).says("Fleet job 11 is queued: for more trucks")
    fleet.release()
    start.says("1 engine is ready").signal(2).ends()


def test_another_default_is_an_option_still(module: Path) -> None:
    module.write_text(blocks(PAGE)["own-wrapped"])
    cls = import_launcher("nicelaunch.SiteEngineSetLauncher", places_for(module.parent))
    assert (cls().queue, cls().submit_command) == ("short", ["site-sbatch", "--project=weather"])  # type: ignore[attr-defined]
    assert cls(config=Config({"SiteEngineSetLauncher": {"queue": "long"}})).queue == "long"  # type: ignore[attr-defined]
    assert SlurmEngineSetLauncher().queue == ""


def test_a_launcher_that_says_more_about_itself(module: Path) -> None:
    (module.parent / "nearlaunch.py").write_text(blocks(PAGE)["own-kind"])
    near = import_launcher("nearlaunch.NearEngineSetLauncher", places_for(module.parent))
    assert not may_be_elsewhere("nearlaunch.NearEngineSetLauncher", Config(), places=places_for(module.parent))
    assert may_be_elsewhere(NAME, Config(), places=places_for(module.parent))
    assert near.launcher_kind.engines == SlurmEngineSetLauncher.launcher_kind.engines


def test_a_default_that_makes_no_sense(profile: Profile, module: Path) -> None:
    module.write_text(blocks(PAGE)["own-wrapped"] + "    submit_command = 7\n")
    start = start_here("--engines=nicelaunch.SiteEngineSetLauncher")
    assert "SiteEngineSetLauncher.submit_command must be a list, not 7" in start.output


def test_the_class_itself_from_python(profile: Profile, module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = module.parent / "lib"
    elsewhere.mkdir()
    shutil.move(module, elsewhere / "ownlaunch.py")
    monkeypatch.syspath_prepend(elsewhere)
    import ownlaunch  # the module of the line above

    options = Config({"NiceEngineSetLauncher": {"nice": 12}})
    with Cluster(n=1, engines=ownlaunch.NiceEngineSetLauncher, config=options) as rc:
        assert rc[:].apply_sync(os.nice, 0) == [12]
        assert rc.cluster.engine_launcher_class is ownlaunch.NiceEngineSetLauncher
        rc.cluster.restart_engines_sync()
        assert answers(rc, slice(None), lambda: __import__("os").nice(0)) == [12]


def test_options_of_engines_reach_them(command: Start, module: Path) -> None:
    command(
        "ipcluster", "start", "-n", "1", f"--engines={NAME}", "--daemonize", "--IPEngine.startup_command=x = 5"
    ).succeeds()
    try:
        with Client() as rc:
            assert rc[0]["x"] == 5
    finally:
        ipcluster("stop").succeeds()


def test_engines_end_some_time_after_a_host_that_was_killed(command: Start, module: Path) -> None:
    before = processes_of_this_run().keys()
    impatient = "--IPEngine.reconnect_timeout=0.5"
    start = command("ipcluster", "start", "-n", "2", f"--engines={NAME}", impatient).says("2 engines are ready")
    start.signal(signal.SIGKILL).ends()
    until(lambda: not processes_of_this_run().keys() - before)


def test_options_on_the_command_line(profile: Profile, module: Path) -> None:
    wrong = start_here(f"--engines={NAME}", "--NiceEngineSetLauncher.nicer=1")
    assert "NiceEngineSetLauncher.nicer is not an option; did you mean NiceEngineSetLauncher.nice?" in wrong.output
    assert "nice" in start_here(f"--engines={NAME}", "--NiceEngineSetLauncher.nice=very").output


def test_what_cannot_be_imported_is_named(command: Start, profile: Profile, module: Path) -> None:
    def words(name: str) -> str:
        return start_here(f"--engines={name}").output

    start = command("ipcluster", "start", "-n", "1", "--engines=nolaunch.Launcher")
    assert start.ends() == 2
    missing = start.output
    assert missing == words("nolaunch.Launcher")
    assert "the launcher nolaunch.Launcher can't be imported: No module named 'nolaunch'" in missing
    assert str(module.parent) in missing
    assert str(profile.path) in missing
    assert f"{module} has no Launcher" in words("nicelaunch.Launcher")
    assert "nicelaunch.Status is not a launcher class: derive it from EngineLauncher" in words("nicelaunch.Status")
    module.write_text("import neither_here_nor_there\n")
    assert "No module named 'neither_here_nor_there'" in words(NAME)
    module.write_text("1 / 0\n")
    assert f"{NAME} can't be imported: ZeroDivisionError: division by zero" in words(NAME)


def test_a_controller(command: Start, module: Path, profile: Profile) -> None:
    text = module.read_text().replace("EngineSetLauncher", "ControllerLauncher").replace("EngineL", "ControllerL")
    module.write_text(text)
    controller = "--controller=nicelaunch.NiceControllerLauncher"
    command("ipcluster", "start", "-n", "1", controller, "--daemonize").succeeds()
    try:
        record = json.loads(profile.pid_file("ipcontroller").read_text())
        assert os.getpriority(os.PRIO_PROCESS, record["pid"]) == 10
        with Client() as rc:
            assert len(rc) == 1
    finally:
        ipcluster("stop").succeeds()


def test_a_launcher_of_engines_starts_no_controller(profile: Profile, module: Path) -> None:
    start = start_here(f"--controller={NAME}")
    assert f"the launcher {NAME} cannot start controller" in start.output


def test_a_class_of_the_script_itself(profile: Profile, command: Start, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        blocks(PAGE)["own-launcher"]
        + "\nimport engineroom\nwith engineroom.Cluster(n=2, engines=NiceEngineSetLauncher) as rc:\n    print(rc.ids)"
    )
    assert command("python", str(script)).succeeds().output.endswith("[0, 1]\n")


@pytest.mark.parametrize(
    ("method", "words", "background"),
    [
        ("def start(self, command): return 1 / 0", "start failed: ZeroDivisionError: division by zero", []),
        ("def poll(self, handle): return Status(State.ENDED, 'no room')", "no room", ["--daemonize"]),
    ],
)
def test_a_start_that_fails(method: str, words: str, background: list[str], command: Start, module: Path) -> None:
    module.write_text(
        f"""
from engineroom.cluster.launcher import EngineLauncher, LaunchError, State, Status
class NiceEngineSetLauncher(EngineLauncher):
    def start(self, command): return {{}}
    def poll(self, handle): return Status(State.RUNNING)
    def signal(self, handle, signum): pass
    def stop(self, handle): pass
    {method}
"""
    )
    start = command("ipcluster", "start", "-n", "1", f"--engines={NAME}", *background)
    assert start.ends() == 1
    assert words in start.output
    assert "Traceback" not in start.output


def test_what_lacks_a_method_is_no_launcher(profile: Profile, module: Path) -> None:
    module.write_text(
        "from engineroom.cluster.launcher import EngineLauncher\nclass Half(EngineLauncher):\n    start = 1"
    )
    with pytest.raises(
        LaunchError, match=r"nicelaunch\.Half starts nothing by itself: it lacks start, poll, signal, stop"
    ):
        Cluster(n=1, engines="nicelaunch.Half").start_cluster_sync()
