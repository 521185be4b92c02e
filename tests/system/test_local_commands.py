"""Engines of this machine by a command of the user's own: under a guard, which leaves nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from traitlets.config import Config

from engineroom import Client, Cluster
from engineroom.cluster.launchers.guarded import GuardedProcesses
from engineroom.cluster.launchers.launcher import ENGINE, Command, State
from engineroom.errors import EngineError, LaunchError
from engineroom.settings.launchers import LocalEngineSetLauncher
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.reader import Reader
from tests.system.conftest import Command as Shell
from tests.system.conftest import processes_of_this_run, until

Start = Callable[..., Shell]


def guarded(story: Callable[[GuardedProcesses], Awaitable[None]], **options: float) -> None:
    """Run `story` with a launcher."""
    launcher = GuardedProcesses(LocalEngineSetLauncher(**options))
    asyncio.run(asyncio.wait_for(story(launcher), SECONDS))


def shell(script: str, log_file: Path, n: int = 1) -> Command:
    return Command(role=ENGINE, name="test", argv=["sh", "-c", script], n=n, log_file=str(log_file))


def test_the_end_is_known_at_once_with_what_was_said(tmp_path: Path) -> None:
    async def story(launcher: GuardedProcesses) -> None:
        handle = await launcher.start(shell("echo one; echo; echo -------; echo two >&2; exit 3", tmp_path / "log"))
        status = await launcher.ended(handle)
        assert status.state is State.ENDED
        assert status.words == "the engines' command: exit code 3; it said:\n  one\n  two"

    guarded(story)


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    async def story(launcher: GuardedProcesses) -> None:
        with pytest.raises(LaunchError, match=r"/no/such can't be started: No such file"):
            await launcher.start(Command(role=ENGINE, name="test", argv=["/no/such"], log_file=str(tmp_path / "log")))

    guarded(story)


def test_what_ignores_sigterm_and_what_it_left_behind_are_killed(tmp_path: Path) -> None:
    async def story(launcher: GuardedProcesses) -> None:
        script = 'trap "" TERM; (trap "" TERM; setsid sleep 1000) & echo ready; while true; do sleep 1000; done'
        log = tmp_path / "log"
        handle = await launcher.start(shell(script, log))
        until(lambda: "ready" in log.read_text())
        await launcher.stop(handle)
        assert (await launcher.poll(handle)).state is State.ENDED

    guarded(story, stop_seconds_until_kill=0.1)


def test_a_stop_by_somebody_else(tmp_path: Path) -> None:
    async def story(launcher: GuardedProcesses) -> None:
        handle = await launcher.start(shell("sleep 1000", tmp_path / "log", n=2))
        other = GuardedProcesses(LocalEngineSetLauncher())
        assert (await other.poll(handle)).state is State.RUNNING
        await other.stop(handle)
        assert (await launcher.ended(handle)).words == "the engines' command: killed by SIGTERM"

    guarded(story)


def test_what_the_documentation_shows(reader: Reader) -> None:
    page, profile = "starting/local.md", reader.profile()
    reader.writes(page, "local-own-command", profile.path / "ipcluster_config.py", after="c = get_config()\n")
    reader.writes(page, "local-own-script", "my-engine").chmod(0o755)
    start = reader.types("ipcluster start -n 1")
    start.says("1 engine is ready")
    with Client(profile_dir=str(profile.path)) as rc:
        assert rc[0].apply_sync(os.getenv, "OMP_NUM_THREADS") == "1"
    start.interrupt()


def test_an_engine_that_needs_time_to_end_gets_what_the_options_say(profile: Profile, tmp_path: Path) -> None:
    clean_up = (
        "import os, signal, time\n"
        "def end(*_):\n"
        "    until = time.monotonic() + 1.2\n"  # more than the second that is usual
        "    while time.monotonic() < until: pass\n"
        f"    open({str(tmp_path / 'done')!r}, 'w').close()\n"
        "    os._exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
    )
    with Cluster(n=1, config=Config(LocalProcessLauncher={"stop_seconds_until_kill": SECONDS})) as rc:
        rc[0].execute(clean_up, block=True)
    assert (tmp_path / "done").exists()


@pytest.fixture
def own_command(tmp_path: Path) -> Path:
    """Return a script that starts an engine as a user might."""
    body = f'export FROM_MY_ENGINE=1\nexec {sys.executable} -m engineroom.cli.ipengine "$@"'
    return executable(tmp_path / "my-engine", body)


def test_a_cluster_of_engines_by_an_own_command(profile: Profile, own_command: Path) -> None:
    cluster = Cluster(n=2, config=Config(LocalEngineSetLauncher={"engine_cmd": [str(own_command)]}))
    with cluster as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        assert rc[:].apply_sync(os.getenv, "FROM_MY_ENGINE") == ["1", "1"]
        lost = rc[1].apply(os._exit, 3)
        with pytest.raises(EngineError, match=r"engine 1 on \S+ died \(exit code 3\)"):
            lost.get(timeout=SECONDS)
        assert rc[0].apply_sync(int) == 0


def test_nothing_is_left_when_ipcluster_is_killed(command: Start, profile: Profile, own_command: Path) -> None:
    before = processes_of_this_run()
    start = command("ipcluster", "start", "-n", "2", f"--LocalEngineSetLauncher.engine_cmd={own_command}")
    start.says("stop it:")
    with Client(timeout=SECONDS) as rc:
        assert rc.ids == [0, 1]
    start.signal(signal.SIGKILL).ends()
    until(lambda: not (processes_of_this_run().keys() - before.keys()))


def test_one_that_fails_does_not_keep_the_others_waiting(
    profile: Profile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fails = f"mkdir {tmp_path}/failed 2>/dev/null && exit 7"
    script = executable(tmp_path / "my-engine", f'{fails}\nexec {sys.executable} -m engineroom.cli.ipengine "$@"')
    cluster = Cluster(n=2, engine_timeout=600, config=Config(LocalEngineSetLauncher={"engine_cmd": [str(script)]}))
    cluster.start_cluster_sync()
    try:
        assert "1 of 2 engines did not register: 1 of 2 have ended: the engines' command: exit code 7" in caplog.text
        caplog.clear()
        (tmp_path / "failed").rmdir()
        cluster.start_engines_sync(2)
        assert "1 of 2 engines did not register: 1 of 2 have ended: the engines' command: exit code 7" in caplog.text
        with cluster.connect_client_sync() as rc:
            assert rc[:].apply_sync(int) == [0, 0]
    finally:
        cluster.stop_cluster_sync()


@pytest.mark.parametrize(("launcher", "killed"), [("Local", True), ("MPI", False)])
def test_a_controller_by_an_own_command(  # alone, or at the far end of mpiexec, and it ends with its host
    launcher: str,
    killed: bool,
    command: Start,
    profile: Profile,
    tmp_path: Path,
) -> None:
    mpiexec = executable(tmp_path / "mpiexec", 'shift 2\nexec "$@"')  # -n 1
    script = executable(
        tmp_path / "my-controller",
        f'echo "$GREETING" > {tmp_path}/said\nexec {sys.executable} -m engineroom.cli.ipcontroller "$@"',
    )
    profile.prepare()
    (profile.path / "ipcluster_config.py").write_text(
        f"c.ControllerLauncher.controller_cmd = [{str(script)!r}]\n"
        f"c.MPILauncher.mpi_cmd = [{str(mpiexec)!r}]\n"
        "c.BaseLauncher.environment = {'GREETING': 'hello'}\n"
    )
    before = processes_of_this_run()
    start = command("ipcluster", "start", "-n", "1", f"--controller={launcher}", "--scheme=lru").says("stop it:")
    assert (tmp_path / "said").read_text() == "hello\n"
    assert "scheduling policy: lru" in profile.log_file("ipcontroller").read_text()
    with Client(timeout=SECONDS) as rc:
        assert rc[0].apply_sync(abs, -7) == 7
        assert json.loads(profile.connection_file("client").read_text())["url"].startswith("tcp://127.0.0.1:")
    start.signal(signal.SIGKILL if killed else signal.SIGTERM).ends()
    until(lambda: not (processes_of_this_run().keys() - before.keys()))
    until(lambda: not profile.connection_file("client").exists())


def test_a_controllers_command_that_fails_shows_what_it_said(command: Start, profile: Profile, tmp_path: Path) -> None:
    script = executable(tmp_path / "bad-controller", "echo no licence left >&2\nexit 7")
    start = command("ipcluster", "start", "-n", "1", f"--LocalControllerLauncher.controller_cmd={script}")
    assert start.ends() == 1
    assert "the controller did not start: the controller's command: exit code 7; it said:\n  no licence" in start.output


def test_a_controller_that_does_not_listen_in_time_is_told_of(command: Start, profile: Profile, tmp_path: Path) -> None:
    mpiexec = executable(tmp_path / "mpiexec", "exec sleep 1000")
    options = (f"--MPILauncher.mpi_cmd={mpiexec}", "--ControllerLauncher.connection_info_timeout=0.5")
    start = command("ipcluster", "start", "-n", "1", "--controller=MPI", *options)
    assert start.ends() == 1
    assert "is not listening after 0.5 s, and was killed" in start.output


def executable(path: Path, body: str) -> Path:
    """Return a shell script."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_command_that_fails_shows_what_it_said(command: Start, profile: Profile, tmp_path: Path) -> None:
    script = executable(tmp_path / "bad-engine", "echo no module named engineroom >&2\nexit 7")
    start = command("ipcluster", "start", "-n", "2", f"--LocalEngineSetLauncher.engine_cmd={script}")
    assert start.ends() == 1
    assert "2 of 2 engines did not register: the engines' command: exit code 7" in start.output
    assert "no module named engineroom" in start.output
