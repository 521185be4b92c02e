"""Other libraries on engines: each script compares its numbers with those of a serial run, and says "equal"."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documented import blocks
from tests.patience import SECONDS
from tests.real.environments import ROOT, on_top

SCRIPTS = ROOT / "tests" / "real" / "integrations"


@pytest.fixture(scope="module")
def python() -> str:
    """A Python with the libraries, in an environment of its own."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["integrations"]
    stand_in = ROOT / "compat" / "ipyparallel" / "src"
    return str(on_top(ROOT / "build" / "integrations", wanted, stand_in) / "python")


@pytest.fixture(scope="module")
def cluster(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The connection file of two engines that all tests here share."""
    profile = tmp_path_factory.mktemp("profile")
    ipcluster = [python, "-m", "engineroom.cluster"]
    options = ["--profile-dir", str(profile)]
    subprocess.run([*ipcluster, "start", "-n", "2", "--daemonize", *options], check=True, timeout=2 * SECONDS)
    yield profile / "security" / "ipcontroller-client.json"
    subprocess.run([*ipcluster, "stop", *options], check=True, timeout=2 * SECONDS)


def run(python: str, script: str, **environment: str) -> str:
    """Return what a script says; it has to end well."""
    ran = subprocess.run(
        [python, "-W", "ignore", script],
        cwd=SCRIPTS,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=4 * SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    return ran.stdout


@pytest.mark.parametrize(
    "script",
    ["adaptive_runners", "dask_on_engines", "hyperopt_trials", "joblib_and_scikit_learn", "samplers", "trackpy_batch"],
)
def test_a_library_on_engines_gives_the_numbers_of_a_serial_run(python: str, cluster: Path, script: str) -> None:
    assert run(python, f"{script}.py", CLUSTER=str(cluster)).endswith("equal\n")


def test_joblib_without_a_cluster_asks_for_permission_or_starts_one(python: str, tmp_path: Path) -> None:
    assert run(python, "joblib_without_cluster.py", IPYTHONDIR=str(tmp_path)).endswith("equal\n")


@pytest.mark.parametrize("name", list(blocks("integrations.md", "python")))
def test_what_the_page_shows_runs(python: str, cluster: Path, tmp_path: Path, name: str) -> None:
    script = tmp_path / f"shown_{name}.py"
    text = blocks("integrations.md", "python")[name]
    script.write_text(
        f"import os\nimport engineroom\nrc = engineroom.Client(os.environ['CLUSTER'])\n{text}\nrc.close()\n"
    )
    run(python, str(script), CLUSTER=str(cluster))
