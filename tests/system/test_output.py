"""Commands whose output nobody reads, whose disk is full, or whose streams are closed do their work all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import until

BIN = Path(sys.executable).parent
FULL = Path("/dev/full")


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([BIN / "ipcluster", *arguments], text=True, timeout=SECONDS, check=False, **options)


def unread() -> int:
    """Return a pipe that nobody reads any more, as that of `| head -1`."""
    reads, writes = os.pipe()
    os.close(reads)
    return writes


def test_whoever_stops_reading_stops_nothing(profile: Profile) -> None:
    pipe = unread()
    try:
        started = run("start", "-n", "1", "--daemonize", stdout=pipe)
        assert (started.returncode, started.stderr) == (0, "")
        for command in (("why",), ("logs", "-f")):
            ran = run(*command, stdout=pipe)
            assert (ran.returncode, ran.stderr) == (141, ""), command
        assert run("why").stdout.startswith("all is well: 1 engine")
    finally:
        ran = run("stop", stdout=pipe)
        os.close(pipe)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert run("list").stdout == "no clusters\n"


def test_a_cluster_in_the_foreground_goes_on(profile: Profile) -> None:
    pipe = unread()
    started = subprocess.Popen([BIN / "ipcluster", "start", "-n", "1"], stdout=pipe, stderr=subprocess.PIPE, text=True)
    os.close(pipe)
    until(lambda: "default  ''          True     1        LocalEngineSetLauncher" in run("list").stdout)
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=SECONDS) == (None, "")
    assert started.returncode == 0


def test_closed_streams_are_open_on_nothing(profile: Profile) -> None:
    for command in ("start -n 1 --daemonize", "why", "stop"):
        ran = subprocess.run(
            ["/bin/sh", "-c", f"exec {BIN / 'ipcluster'} {command} <&- >&- 2>&-"], timeout=SECONDS, check=False
        )
        assert ran.returncode == 0, command


@pytest.mark.skipif(not FULL.exists(), reason="no such device here")
def test_a_full_disk_is_told_of(profile: Profile) -> None:
    with FULL.open("w") as full:
        started = run("start", "-n", "1", "--daemonize", stdout=full)
        asked = run("why", stdout=full)
        stopped = run("stop", stdout=full)
    assert (started.returncode, asked.returncode, stopped.returncode) == (0, 1, 0)  # the first and the last had an end
    for ran in (started, asked, stopped):
        assert ran.stderr.endswith("No space left on device\n")
        assert ran.stderr.count("\n") == 1


def test_what_the_terminal_cannot_show_is_spelled_out(profile: Profile) -> None:
    ran = run("why", "--profile-dir=/tmp/würde", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert ran.stdout.startswith(r"no such cluster has been started in /tmp/w\xfcrde")


def test_a_name_that_is_not_utf8_is_refused_in_words(profile: Profile, tmp_path: Path) -> None:
    ran = run("start", "-n", "1", "--daemonize", os.fsdecode(b"--profile-dir=" + bytes(tmp_path) + b"/w\xfcrde"))
    assert ran.returncode == 1
    assert ran.stderr.startswith("ipcluster: ")
    assert r"w\udcfcrde' is not UTF-8, so that no cluster can be started with it" in ran.stderr
    assert "Traceback" not in ran.stderr
