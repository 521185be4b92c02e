"""Which Python there is used: the first that can import engineroom of this version."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import engineroom
from engineroom.cluster.launchers.ssh.complaints import problem_of
from engineroom.cluster.launchers.ssh.python import NONE_FITS, TRIED, candidates, choosing
from engineroom.trail.steps import IMPORTS, INTERPRETER


def fake_python(path: Path, version: str) -> str:
    """Make a Python with engineroom `version`, "" for none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = f"import sys, types; m = types.ModuleType('engineroom'); m.__version__ = {version!r}; "
    code += "sys.modules['engineroom'] = m; " if version else "sys.modules['engineroom'] = None; "
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -c {shlex.quote(code)}"$3"\n')
    path.chmod(0o755)
    return str(path)


def choose(pythons: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    script = f"{choosing(pythons, str(engineroom.__version__))}; echo $python"
    environment = {"HOME": str(home), "PATH": f"{home}/bin:/usr/bin:/bin"}
    return subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=False, env=environment, timeout=60
    )


def test_the_first_that_can_import_this_version(tmp_path: Path) -> None:
    version = str(engineroom.__version__)
    none = fake_python(tmp_path / "none of it", "")
    old = fake_python(tmp_path / "old", "0.0.1")
    fake_python(tmp_path / "my envs" / "python", version)
    also = fake_python(tmp_path / "bin" / "python3", version)
    assert choose([str(tmp_path / "gone"), none, old, "~/my envs/python", "python3"], tmp_path).stdout.strip() == str(
        tmp_path / "my envs" / "python"
    )
    assert choose([none, "python3"], tmp_path).stdout.strip() == "python3"
    assert choose([also], tmp_path).stdout.strip() == also


def test_where_none_can_all_are_named_with_their_reasons(tmp_path: Path) -> None:
    gone, also_gone = str(tmp_path / "gone"), str(tmp_path / "gone, too")
    none, old = fake_python(tmp_path / "none", ""), fake_python(tmp_path / "old", "0.0.1")
    done = choose([gone, also_gone, none, old], tmp_path)
    assert (done.returncode, done.stdout) == (NONE_FITS, "")
    assert done.stderr.startswith(TRIED)
    problem = problem_of(
        done.returncode,
        ["a banner", *done.stderr.splitlines()],
        target="node1",
        reached=True,
        python="",
        script="",
        version="9.9",
    )
    assert problem.step == IMPORTS
    for words in ("no Python there can import engineroom 9.9", gone, also_gone, none, f"engineroom 0.0.1: {old}"):
        assert words in problem.words
    assert problem.words.count("not found") == 1
    assert "remote_python" in problem.fix
    only = choose([gone], tmp_path)
    assert (
        problem_of(
            only.returncode, only.stderr.splitlines(), target="n", reached=True, python="", script="", version="1"
        ).step
        == INTERPRETER
    )


@pytest.mark.parametrize("variable", ["CONDA_DEFAULT_ENV", "VIRTUAL_ENV"])
def test_the_order(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    found = candidates({variable: "/home/me/envs/lab" if variable == "VIRTUAL_ENV" else "lab"})
    assert found[0] == sys.executable
    assert found[-2:] == ["python3", "python"]
    assert "~/miniconda3/envs/lab/bin/python" in found
    assert "~/.virtualenvs/lab/bin/python" in found
    assert candidates({}, script=True)[:3] == ["python3", "python", sys.executable]
    assert not [each for each in candidates({"CONDA_DEFAULT_ENV": "base"}) if "/base/" in each]
