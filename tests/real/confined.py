"""Controllers and engines of this machine that something keeps apart: other users, namespaces, control groups."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engineroom import Client
from engineroom.protocol.questions import AboutEngine, AskBounds, AskEngine, Bounds
from tests.patience import SECONDS
from tests.system.conftest import Command

BIN = Path(sys.executable).parent
MIB = 2**20


class Confined:
    """A controller and engines, each behind a command that confines it. `profile`: theirs."""

    def __init__(self, profile: Path) -> None:
        self.profile = profile
        self._programs: list[Command] = []
        self._clients: list[Client] = []

    def controller(self, *before: str, options: Sequence[str] = ()) -> None:
        self._start(*before, str(BIN / "ipcontroller"), *self._where, "--nodb", *options).says("ready")

    def engine(self, *before: str, options: Sequence[str] = (), **environment: str) -> Command:
        """Start what is said before it, and an engine. In a `sh -c` before it, `$0 "$@"` is the engine."""
        settings = [f"{name}={value}" for name, value in environment.items()]
        return self._start(*settings, *before, str(BIN / "ipengine"), *self._where, *options)

    def client(self, engines: int) -> Client:
        self._clients.append(Client(profile_dir=self.profile, timeout=SECONDS))
        self._clients[-1].wait_for_engines(engines, timeout=SECONDS)
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.close()
        for program in reversed(self._programs):
            program.close()

    def engine_of(self, user: int) -> Command:
        """Start an engine of another user, who has a copy of the connection file."""
        home = self.profile / str(user)
        home.mkdir()
        file = shutil.copy(self.profile / "security" / "ipcontroller-engine.json", home)
        for path in (home, file):
            os.chown(path, user, user)
        for path in home.parents:  # as far as the directory of the test
            if path.name.startswith(("pytest", "test", "profile")):
                path.chmod(0o755)
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        # The Python of this test may be where only root can look: that much of root is kept.
        become += [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
        place = ["-C", str(home), f"HOME={home}", f"IPYTHONDIR={home}", "ENGINEROOM_TRANSPORT=tls"]
        return self._start(*place, *become, str(BIN / "ipengine"), f"--file={file}")

    @property
    def _where(self) -> list[str]:
        return [f"--profile-dir={self.profile}"]

    def _start(self, *command: str) -> Command:
        self._programs.append(Command("/usr/bin/env", *command))
        return self._programs[-1]


def way_to(rc: Client, engine: int = 0) -> str:
    """Return how the controller explains that data get to and from an engine."""
    about = rc._session.ask(AskEngine(engine), "how data get there")
    assert isinstance(about, AboutEngine)
    return about.data


def limits_that_bind(rc: Client) -> tuple[str, ...]:
    """Return what `ipcluster why` says of limits."""
    told = rc._session.ask(AskBounds(), "which limits bind")
    assert isinstance(told, Bounds)
    return told.words


def goes_and_comes(rc: Client, size: int = MIB, times: int = 5) -> None:
    """See that arrays arrive as they were sent, on each engine and back from it, and can be written."""
    data: Any = np.frombuffer(os.urandom(size), np.uint8).copy()
    for number in range(times):
        data[0] = number
        back = rc[:].apply_sync(lambda its: its, data)
        assert all(np.array_equal(each, data) and each.flags.writeable for each in back)
    rc[:].push({"kept": data}, block=True)
    assert all(np.array_equal(each, data) for each in rc[:].pull("kept", block=True))
    rc[:].execute("del kept", block=True)
