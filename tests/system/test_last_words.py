"""What an engine wrote before it died is in the error of its task, in its log, and in what its cluster says."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engineroom import Client, Cluster, EngineError
from tests.patience import SECONDS
from tests.system.conftest import until

DEATHS = {
    "os.write(2, b'FATAL: no licence\\n'); os.abort()": ("killed by SIGABRT", ["FATAL: no licence"]),
    "print('just a moment'); os._exit(3)": ("exit code 3", ["just a moment"]),
    "print('no end of line', end=''); os._exit(0)": ("exit code 0", ["no end of line"]),
    "print('é' * 9, file=sys.stderr); os.kill(os.getpid(), 9)": ("killed by SIGKILL", ["é" * 9]),
    "os.system('echo from a child'); os._exit(4)": ("exit code 4", ["from a child"]),
    "ctypes.CDLL(None).puts(b'from C'); ctypes.string_at(1)": ("killed by SIGSEGV", ["from C", "Segmentation fault"]),
    "print(*range(5000), sep='\\n'); os._exit(5)": ("exit code 5", ["4998", "4999"]),
    "print('x' * 100_000); os._exit(6)": ("exit code 6", ["x" * 100]),
    "print('seen'); import time; time.sleep(0.3); os._exit(7)": ("exit code 7", ["seen"]),
    "sys.stdout.buffer.write(b'bytes\\n'); sys.stdout.write('text\\n'); os._exit(8)": (
        "exit code 8",
        ["bytes", "text"],
    ),
}
BEFORE = "import ctypes, os, sys\nprint('of an earlier task')\nos.write(2, b'also earlier\\n')\nNone"


@pytest.fixture(scope="module")
def rc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Yield a client of a cluster whose engines the tests use up."""
    with Cluster(
        n=16, profile_dir=tmp_path_factory.mktemp("words") / "profile_w", restart_dead_engines=False
    ) as client:
        yield client


def dies(rc: Client, code: str) -> str:
    """Run `code`, which ends its engine, and return the error's text."""
    view = rc[rc.ids[0]]
    view.execute(BEFORE).get(SECONDS)
    with pytest.raises(EngineError) as caught:
        view.execute(code).get(SECONDS)
    return str(caught.value)


def log_in(error: str) -> str:
    found = re.search(r"Its log: (.*)", error)
    assert found is not None, error
    return "".join(path.read_text() for path in Path(found[1]).parent.glob(f"{Path(found[1]).name}*"))


@pytest.mark.parametrize("code", DEATHS)
def test_the_error_has_them_and_so_has_the_log_that_it_names(rc: Client, code: str) -> None:
    cause, words = DEATHS[code]
    error = dies(rc, code)
    assert f"died ({cause}" in error
    assert "Its last output:" in error
    for one in words:
        assert one in error
        assert one in log_in(error)
    assert "earlier" not in error
    assert len(error) < 4000


def test_a_crash_names_the_users_line_and_none_of_ours(rc: Client) -> None:
    error = dies(rc, "def broken():\n    ctypes.string_at(1)\nbroken()")
    assert "Fatal Python error: Segmentation fault" in error
    assert re.search(r"line 2 in broken", error), error
    assert "engineroom/engine" not in error.partition("Its log")[0]
    assert "engine/runner.py" in log_in(error)


def test_who_watches_sees_them_too(rc: Client, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING):
        dies(rc, "os.write(2, b'FATAL: no licence\\n'); os._exit(3)")
        until(lambda: "FATAL: no licence" in caplog.text)


def test_words_of_balanced_tasks_and_of_functions(rc: Client) -> None:
    def ends() -> None:
        import os

        print("from a function")
        os._exit(3)

    with pytest.raises(EngineError, match=r"Its last output:\n    from a function\nIts log: "):
        rc.load_balanced_view(rerun_lost=False).apply_sync(ends)


def test_an_engine_that_dies_while_it_starts_says_why(tmp_path: Path) -> None:
    cluster = Cluster(n=1, profile_dir=tmp_path / "profile_s")
    (tmp_path / "profile_s").mkdir()
    line = "import os; print('no licence, no start'); os._exit(3)"
    (tmp_path / "profile_s" / "ipengine_config.py").write_text(f"c.IPEngine.startup_command = {line!r}\n")
    with pytest.raises(Exception, match="no licence, no start"):
        cluster.start_cluster_sync()


def test_output_that_was_stopped_is_no_last_word(tmp_path: Path) -> None:
    with Cluster(n=1, profile_dir=tmp_path / "profile_t") as rc:
        ran = rc[0].execute("print('whatever'); import time; time.sleep(60)")
        until(lambda: "whatever" in ran.stdout)
    assert "whatever" not in "".join(path.read_text() for path in (tmp_path / "profile_t" / "log").glob("ipengine*"))
