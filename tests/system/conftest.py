"""For tests with real processes: profiles, clusters, commands; and nothing of a test outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engineroom import Client, Cluster
from engineroom.errors import CompositeError, EngineError, NoEnginesRegistered
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.processes import of_run
from tests.system.held_tasks import Mark

if TYPE_CHECKING:
    from tests.fuzz.arena import Story


def until(condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Return the first true value of `condition()`; AssertionError if there is none within `seconds`."""
    pause, end = threading.Event(), time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"this did not come true within {seconds:g} s"
        pause.wait(0.02)
    return value


def answers(rc: Client, targets: list[int] | slice, function: Callable[[], Any]) -> Any:
    """Return what engines answer that have just been replaced: this client may not have heard of it yet."""

    def ask() -> list[Any]:
        with contextlib.suppress(EngineError, CompositeError, IndexError, NoEnginesRegistered):
            return [rc[targets].apply_sync(function)]
        return []

    return until(ask)[0]


def processes_of_this_run() -> dict[int, str]:
    """Return the title of each live process that was started, by whatever way, from this test run."""
    return {process.pid: title for process, title in of_run(os.environ["ENGINEROOM_TEST_RUN"])}


def dead_sockets() -> set[Path]:
    """Return the sockets of this test run at which nobody listens any more."""
    return {path for path in Path(os.environ["ENGINEROOM_SOCKET_DIR"]).rglob("*") if _is_dead(path)}


def _is_dead(path: Path) -> bool:
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        try:
            knock.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False  # taken away meanwhile, or busy
    return False


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Fail a test after which processes live on that were not there before, whoever their parent is now, or sockets."""
    before, dead_before = processes_of_this_run(), dead_sockets()
    yield

    def left() -> dict[int, str]:
        return {pid: title for pid, title in processes_of_this_run().items() if pid not in before}

    try:
        until(lambda: not left())
    except AssertionError:
        survivors = left()
        for pid in survivors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        pytest.fail(f"processes that outlive the test: {survivors}")
    finally:
        dead = dead_sockets() - dead_before
        for path in dead:
            path.unlink(missing_ok=True)  # or it would be held against whichever test is the last
    assert not dead, f"sockets that outlive the test: {sorted(map(str, dead))}"


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Return the default profile of an IPython directory of the test's own."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return Profile.find()


@pytest.fixture
def mark(tmp_path: Path) -> Mark:
    """Return what tasks wait for that are to end when the test says so."""
    return Mark(tmp_path / "mark")


@pytest.fixture(scope="module")
def controller_args() -> list[str]:
    """Return options of the controller of `cluster`; modules have others."""
    return []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, controller_args: list[str]) -> Iterator[Cluster]:
    """Yield a cluster of two engines that runs for all tests of a module."""
    cluster = Cluster(
        n=2,
        profile_dir=tmp_path_factory.mktemp("cluster") / "profile_module",
        restart_dead_engines=False,
        controller_args=controller_args,
    )
    cluster.start_cluster_sync()
    yield cluster
    cluster.stop_cluster_sync()


@pytest.fixture(scope="module")
def rc(cluster: Cluster) -> Iterator[Client]:
    """Yield a client of `cluster`."""
    with cluster.connect_client_sync() as client:
        client.wait_for_engines(2, timeout=SECONDS)
        yield client


@pytest.fixture(params=["shared", "streams"])
def rc_either_way(
    request: pytest.FixtureRequest, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """Yield a client of `cluster` whose data go by shared memory, and then one whose data go as streams."""
    if request.param == "streams":
        monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    with cluster.connect_client_sync() as client:
        client.wait_for_engines(2, timeout=SECONDS)
        yield client


class Command:
    """One of our commands, running; its output is read as it comes."""

    def __init__(self, *arguments: str, **options: Any) -> None:
        program, *rest = arguments
        self.process = subprocess.Popen(
            [str(Path(sys.executable).parent / program), *rest],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def says(self, words: str) -> Command:
        """Wait until `words` are in the output."""
        try:
            until(lambda: words in self.output or not self._reader.is_alive())
        finally:
            assert words in self.output, self.output
        return self

    def signal(self, signum: int) -> Command:
        self.process.send_signal(signum)
        return self

    def ends(self) -> int:
        """Wait for the end; return the exit code."""
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def succeeds(self) -> Command:
        """Wait for the end, which must be a good one."""
        code = self.ends()
        assert code == 0, f"exit code {code}:\n{self.output}"
        return self

    def close(self) -> None:
        """End it, if it has not ended; what a killed one could not take away is taken away."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            for path in dead_sockets():
                path.unlink(missing_ok=True)
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)


@pytest.fixture
def command(profile: Profile) -> Iterator[Callable[..., Command]]:
    """Yield what starts a command, as `command("ipcluster", "start", "-n", "2")`, with `profile` as the default one."""
    started: list[Command] = []

    def start(*arguments: str, **options: Any) -> Command:
        started.append(Command(*arguments, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    """Return what plays a story with a controller."""
    from tests.fuzz.arena import running  # engines, which import the modules of tests, do without a controller

    def play(story: Story) -> None:
        (tmp_path / "security").mkdir(mode=0o700)

        async def whole() -> None:
            async with asyncio.timeout(SECONDS), running(tmp_path / "security") as (controller, files):
                await story(controller, files)

        asyncio.run(whole())

    return play
