"""Ctrl-C in calls: what nobody has a handle of any more is withdrawn, and what somebody has is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from tests.patience import SECONDS
from tests.system.conftest import until

SCRIPT = """
import itertools, os, sys, threading, time
import engineroom as er

def wait(_=0):
    threading.Event().wait(60)

def stubborn(mark):
    here = f"{mark}.{os.getpid()}"
    released = False
    while not released:
        try:
            open(here, "w").close()
            threading.Event().wait(0.05)
            released = os.path.exists(mark)
        except KeyboardInterrupt:
            pass
    os.unlink(here)

def slowly():
    for number in itertools.count():
        time.sleep(0.01)
        yield number

mark = sys.argv[2]
with er.Client(sys.argv[1]) as rc:
    dv, lbv = rc[:], rc.load_balanced_view()
    remote = dv.remote(block=True)(wait)
    calls = {
        "apply_sync": lambda: dv.apply_sync(wait),
        "map_sync": lambda: lbv.map_sync(wait, range(100)),
        "map_sync of a direct view": lambda: dv.map_sync(wait, range(100)),
        "map with block": lambda: lbv.map(wait, range(100), block=True),
        "execute": lambda: dv.execute("import threading; threading.Event().wait(60)", block=True),
        "remote": lambda: remote(),
        "pull": lambda: dv.pull("__import__('threading').Event().wait(60)", block=True),
        "executor.map": lambda: list(rc.executor.map(wait, range(100))),
        "imap": lambda: list(lbv.imap(wait, range(100))),
        "endless items": lambda: lbv.map_sync(wait, slowly()),
        "endless repeat": lambda: lbv.map_sync(wait, itertools.repeat(0)),
    }
    for name, call in calls.items():
        try:
            print("call", name, flush=True)
            call()
        except KeyboardInterrupt:
            print("interrupted", rc.wait(timeout=30), flush=True)
    kept = dv.apply_async(stubborn, mark)
    for name, call in {"get": kept.get, "wait": kept.wait, "rc.wait": rc.wait}.items():
        try:
            print("call", name, flush=True)
            call()
        except KeyboardInterrupt:
            print("interrupted", kept.done(), flush=True)
    open(mark, "w").close()
    print("kept", kept.get(30), flush=True)
    os.unlink(mark)
    for name in ("stubborn", "stubborn twice"):
        try:
            print("call", name, flush=True)
            dv.apply_sync(stubborn, mark)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        open(mark, "w").close()
        rc.wait(timeout=30)
        os.unlink(mark)
"""


class Script:
    """The script, and what it says on either stream."""

    def __init__(self, path: Path, *arguments: str) -> None:
        command = [sys.executable, str(path), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)

    def has_said(self, words: str) -> int:
        return sum(words in line for line in tuple(self.said))

    def press_ctrl_c(self) -> None:
        os.kill(self.process.pid, signal.SIGINT)

    def is_asleep(self) -> bool:
        """Whether the main thread waits for something."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"

    def end(self) -> None:
        self.process.kill()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.process.wait()


@pytest.fixture
def script(cluster: Cluster, tmp_path: Path) -> Iterator[Script]:
    path = tmp_path / "calls.py"
    path.write_text(SCRIPT)
    script = Script(path, cluster.client_connection_file, str(tmp_path / "mark"))
    yield script
    script.end()


def test_an_interrupt_withdraws_calls_whose_handle_is_lost_and_no_others(
    script: Script, rc: Client, tmp_path: Path
) -> None:
    def busy() -> bool:
        status = rc.queue_status()
        return any(status[engine]["tasks"] or status[engine]["queue"] for engine in rc.ids)

    def waits() -> bool:  # the engines may be busy before the call has come to its wait
        return script.is_asleep() and busy() and script.is_asleep()

    def stubborn_on_both() -> bool:  # what has not begun is withdrawn, and not named
        return waits() and len(list(tmp_path.glob("mark.*"))) == len(rc.ids)

    assert script.process.stdout is not None
    heard = []
    for line in script.process.stdout:
        word, _, name = line.strip().partition(" ")
        heard.append(word)
        if word == "call":
            if not name.startswith("endless"):
                until(stubborn_on_both if name.startswith("stubborn") else waits)
            script.press_ctrl_c()
            if name == "stubborn twice":
                until(lambda: script.has_said("Waiting up to 2 s for 'stubborn' on engines 0-1") == 2)
                script.press_ctrl_c()
    assert script.process.wait(SECONDS) == 0, "".join(script.said)
    assert heard.count("call") == heard.count("interrupted") == 16
    assert "kept" in heard
    assert script.has_said("Still running: 'stubborn' on engines 0-1") == 1
