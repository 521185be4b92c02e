"""What every test stands on: a place of its own for profiles and sockets, and a look at what it left behind."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from engineroom.machine.shared_memory.pool import SHARED
from tests.examples import ALL, FEW
from tests.patience import SECONDS
from tests.processes import children, kill_each, of_run, with_titles
from tests.reader import Reader

sys.dont_write_bytecode = False  # nor in what is started here: each process would compile all that it imports
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile(
    "same everywhere",
    deadline=None,
    max_examples=FEW,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "fresh",  # `make fuzz`: new examples each time; one that fails is tried first the next time
    parent=settings.get_profile("same everywhere"),
    max_examples=ALL,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(Path(__file__).parents[1] / ".hypothesis" / "examples"),
)
settings.load_profile("same everywhere")


LAST = ("architecture", "unit")
"""Directories of many short files: with these at the end, no worker is left alone with a long one."""


def pytest_collection(session: pytest.Session) -> None:
    """Have workers begin with different files, where each imports all: the first rewrites assertions for the others."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None or session.config.getoption("file_or_dir"):
        return
    top = Path(__file__).parent
    files = sorted(path for path in top.rglob("test_*.py") if top / "real" not in path.parents)
    first = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for path in files[first:] + files[:first]:
        with contextlib.suppress(Exception, pytest.skip.Exception):  # told when it is collected
            importlib.import_module(".".join(path.relative_to(top.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """Spare each search for garbage a look at thousands of tests, which never are any."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have the files that take longest come first, where several workers share them."""
    if hasattr(config, "workerinput"):
        top = Path(__file__).parent
        items.sort(key=lambda item: item.path.relative_to(top).parts[0] in LAST if top in item.path.parents else True)


def wait_until(condition: Callable[[], object], seconds: float = SECONDS) -> bool:
    """Return whether `condition()` came true within `seconds`; it is asked every 10 ms."""
    pause, end = threading.Event(), time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        pause.wait(0.01)
    return bool(value)


@pytest.fixture(scope="session", autouse=True)
def own_places() -> Iterator[None]:
    """Keep the run away from the user's profiles and sockets; nothing of it may be left at the end."""
    home = Path(tempfile.mkdtemp(prefix="er-", dir="/tmp" if os.name == "posix" else None))  # socket paths are short
    sockets = home / "s"
    sockets.mkdir(mode=0o700)
    run = uuid.uuid4().hex
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENGINEROOM_TEST_RUN", run)
        patch.setenv("SPT_NOENV", "1")  # processes that set a title keep the environment that tells whose they are
        patch.setenv("ENGINEROOM_SOCKET_DIR", str(sockets))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        yield
    gone = wait_until(lambda: not of_run(run))
    left = [f"{process.pid} {title}" for process, title in of_run(run)]
    kill_each(process for process, _ in of_run(run))
    files = [str(path) for path in sockets.rglob("*") if path.is_socket()]
    shutil.rmtree(home, ignore_errors=True)
    assert gone, f"processes that outlive the run: {left}"
    assert not files, f"sockets that outlive the run: {files}"


def _children() -> set[int]:
    return {child.pid for child, title in with_titles(children()) if "resource_tracker" not in title}


def _sockets() -> int:
    try:
        return sum(_is_socket(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd"))
    except FileNotFoundError:
        return 0  # not on Linux


def _is_socket(link: str) -> bool:
    try:
        return os.readlink(link).startswith("socket:")
    except FileNotFoundError:
        return False


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test after which threads, child processes, sockets or users of shared memory are left that are new."""
    threads, children, sockets, sharing = set(threading.enumerate()), _children(), _sockets(), SHARED.users
    yield

    def left() -> list[str]:
        return [
            *(f"thread {thread.name}" for thread in set(threading.enumerate()) - threads),
            *(f"process {pid}" for pid in _children() - children),
            *(["a socket"] if _sockets() > sockets else []),
            *(["a connection that shares memory"] if SHARED.users > sharing else []),
        ]

    assert wait_until(lambda: not left()), f"left behind: {left()}"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Yield somebody who types what the documentation shows."""
    made = Reader(tmp_path / "me")
    yield made
    made.close()
