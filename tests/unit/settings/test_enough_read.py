"""Commands whose reader goes before all is said, such as `head`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("program", [("ipcontroller",), ("ipengine",), ("ipcluster", "start")])
def test_they_end_without_complaint(program: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    name, *command = program
    with os.fdopen(writing, "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", f"engineroom.cli.{name}", *command, "--help-all"],
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (141, b"")
