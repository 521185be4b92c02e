"""What is around the work of every command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from engineroom.cli.outermost import in_words
from engineroom.errors import LaunchError

INTERRUPTED = """
import os, signal, sys
from engineroom.cli.outermost import plain_ctrl_c
if sys.argv[1:]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
plain_ctrl_c()
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.parametrize(("ignored", "code"), [((), -signal.SIGINT), (("as nohup does",), 0)])
def test_ctrl_c_ends_a_program_that_still_imports(ignored: tuple[str, ...], code: int) -> None:
    ran = subprocess.run([sys.executable, "-c", INTERRUPTED, *ignored], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, "", "")


def test_errors_are_words_and_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise LaunchError("there is no such thing")

    def is_asked_for_help() -> int:
        raise SystemExit(0)

    assert in_words("ipcluster", fails) == 1
    assert in_words("ipcluster", is_asked_for_help) == 0
    assert in_words("ipcluster", lambda: 11) == 11
    assert capsys.readouterr().err == "ipcluster: there is no such thing\n"


@pytest.mark.parametrize("program", [("ipcontroller",), ("ipengine",), ("ipcluster", "start")])
def test_a_reader_who_has_read_enough_hears_no_complaint(program: tuple[str, ...]) -> None:
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
