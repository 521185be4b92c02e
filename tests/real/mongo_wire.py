"""A server that speaks MongoDB's language over TCP, to an unmodified pymongo. It is NX-27017, and not MongoDB."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from tests.conftest import wait_until
from tests.real.environments import ROOT, on_top

_PACKAGES = ("nx-27017==0.8.1", "neosqlite==1.17.2", "pymongo==4.20.0")


class MongoWire:
    """The server, on a port of its own on this machine; its data go with it. `directory`: for its programs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"mongodb://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        self._program = on_top(ROOT / "build" / "mongo", _PACKAGES) / "nx-27017"

    def start(self) -> None:
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(self._program), "--db", "memory", "--host", "127.0.0.1", "-p", str(self._port)),
                    *("--pid-file", str(self._directory / "pid"), "--log-file", str(self._directory / "log")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        assert wait_until(self._answers, 60), (self._directory / "log").read_text()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(30)
