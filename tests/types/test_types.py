"""The types that `mypy --strict` finds in what users write."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ERROR = re.compile(r"(\w+)\.py:(\d+): error: .*\[([\w-]+)\]$")


@pytest.fixture(scope="module")
def found() -> dict[str, dict[int, list[str]]]:
    """Return the codes of the errors that mypy finds, by file and line."""
    # With the options of pyproject.toml, as `make check` has them: what that has found out already is used here.
    command = [sys.executable, "-m", "mypy", *(str(HERE / name) for name in ("right.py", "wrong.py"))]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    errors: dict[str, dict[int, list[str]]] = {"right": {}, "wrong": {}}
    for line in done.stdout.splitlines():
        if match := ERROR.search(line):
            errors[match[1]].setdefault(int(match[2]), []).append(match[3])
    assert done.stderr == ""
    return errors


def test_what_users_write_has_the_types_that_they_expect(found: dict[str, dict[int, list[str]]]) -> None:
    assert found["right"] == {}


def test_mistakes_are_refused(found: dict[str, dict[int, list[str]]]) -> None:
    lines = (HERE / "wrong.py").read_text().splitlines()
    expected = {number: line.partition("# E: ")[2] for number, line in enumerate(lines, 1) if "# E: " in line}
    assert {number: codes[0] for number, codes in found["wrong"].items()} == expected
