"""Namespaces that are emptied, and what the profile says is run at start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import engineroom as er
from engineroom import Client, Cluster
from tests.patience import SECONDS
from tests.system.conftest import answers


def test_clear_leaves_an_empty_namespace(rc: Client) -> None:
    view = rc[:]
    view.push({"a": 7}, block=True)
    rc[0].clear(block=True)
    assert view["'a' in globals()"] == [False, True]
    assert view["__name__"] == ["__main__", "__main__"]
    view.execute("b = 1; get_ipython()", block=True)
    rc.clear(block=True)
    assert view["'a' in globals() or 'b' in globals()"] == [False, False]
    view.execute("c = len([b for b in range(3)]); get_ipython()", block=True)
    assert view["c"] == [3, 3]


def test_clear_takes_its_turn_among_tasks(rc: Client) -> None:
    view = rc[0]
    view["n"] = 1
    before, clear, after = view.pull("n"), view.clear(), view.pull("n")
    assert (before.get(SECONDS), clear.get(SECONDS)) == (1, None)
    with pytest.raises(NameError):
        after.get(SECONDS)


@pytest.fixture
def startup(tmp_path: Path) -> Path:
    """Return a start-up script that counts how often it has been run."""
    script = tmp_path / "startup.py"
    script.write_text("import builtins\nruns = builtins.runs = getattr(builtins, 'runs', 0) + 1\nimport math\n")
    place = tmp_path / "profile_startup"
    place.mkdir()
    (place / "ipengine_config.py").write_text(
        f"c.IPEngineApp.startup_script = u'{script}'\nc.IPEngineApp.startup_command = 'half = math.pi / 2; x = runs'\n"
    )
    return place


def test_startup_code_is_run_after_start_restart_and_clear(startup: Path) -> None:
    with Cluster(n=1, profile_dir=startup) as rc:
        view = rc[0]
        assert view.pull(["runs", "x"], block=True) == [1, 1]
        view["x"] = "mine"
        rc.clear(block=True)
        assert view.pull(["runs", "x"], block=True) == [2, 2]
        rc.cluster.restart_engines_sync()
        answers(rc, [0], os.getpid)
        assert rc[0].pull(["runs", "x"], block=True) == [1, 1]


def test_startup_code_that_fails_then_says_so(startup: Path) -> None:
    with Cluster(n=1, profile_dir=startup) as rc:
        (startup.parent / "startup.py").write_text("1 / 0")
        with pytest.raises(er.RemoteError, match=r"startup\.py: ZeroDivisionError: division by zero"):
            rc[0].clear(block=True)
        assert rc[0]["'half' in globals()"] is False
