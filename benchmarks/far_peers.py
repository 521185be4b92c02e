"""Other peers than this process's client: behind a cable that is slow or can be cut, or in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import engineroom as er
from engineroom.protocol.connection_files import read_connection_file
from tests.system.proxy import Proxy, through


def cable_to(connection_file: str, rate: float = 0) -> Proxy:
    """Return a cable to the controller of a connection file, of `rate` bytes a second (0: as fast as it can)."""
    return Proxy(read_connection_file(connection_file).port, rate)


@contextmanager
def gate() -> Iterator[str]:
    """Yield a path at which nothing is yet; whoever waits there goes on when it is made."""
    with tempfile.TemporaryDirectory(prefix="er-bench-") as home:
        path = os.path.join(home, "go")
        try:
            yield path
        finally:
            Path(path).touch()
            time.sleep(0.1)


@contextmanager
def tls() -> Iterator[None]:
    """Have clients that are made within go by TCP, as a cable needs."""
    before = os.environ.get("ENGINEROOM_TRANSPORT")
    os.environ["ENGINEROOM_TRANSPORT"] = "tls"
    try:
        yield
    finally:
        if before is None:
            del os.environ["ENGINEROOM_TRANSPORT"]
        else:
            os.environ["ENGINEROOM_TRANSPORT"] = before


@contextmanager
def behind_cable(rc: er.Client) -> Iterator[tuple[Proxy, int]]:
    """Yield a cable, and the id of an engine at its far end."""
    engine_file = rc.cluster.client_connection_file.replace("-client", "-engine")
    with tempfile.TemporaryDirectory(prefix="er-bench-") as home, cable_to(engine_file) as cable:
        file = Path(home) / "engine.json"
        through(cable, engine_file, file)
        there = set(rc.ids)
        command = [sys.executable, "-m", "engineroom.engine", f"--file={file}", f"--work-dir={home}"]
        engine = subprocess.Popen(command, env=os.environ | {"ENGINEROOM_TRANSPORT": "tls"})
        try:
            rc.wait_for_engines(len(there) + 1, timeout=60)
            yield cable, (set(rc.ids) - there).pop()
        finally:
            engine.terminate()
            engine.wait(30)


@contextmanager
def running(
    file: str | Path, script: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Yield a process in which `script` runs, with `rc` a client that uses `file`."""
    lines = script.replace("\n        ", "\n")
    code = f"import engineroom\nrc = engineroom.Client({os.fspath(file)!r})\n{lines}"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ | (environment or {})
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)


def said(process: subprocess.Popen[str], word: str) -> None:
    """Return when the process has printed `word`; RuntimeError if it ends before."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    raise RuntimeError(f"the process ended with {process.wait()} before it said {word!r}")
