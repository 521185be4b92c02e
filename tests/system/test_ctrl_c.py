"""Ctrl-C at whatever moment: it ends what was typed, says so where something goes on, and leaves nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable

from engineroom.settings.profiles import Profile
from tests.system.conftest import Command

Start = Callable[..., Command]

NEVER_READY = ("--LocalEngineSetLauncher.engine_cmd=['sh', '-c', 'exec sleep 1000']", "-n", "1")


def test_while_a_start_in_the_background_is_waited_for(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", "--daemonize", *NEVER_READY).says("starting 1 engine")
    assert start.signal(signal.SIGINT).ends() == 130
    assert start.lines[1:] == ["ipcluster: interrupted; everything that was started has been stopped\n"]


def test_while_engines_are_waited_for(command: Start, profile: Profile) -> None:
    start = command("ipcluster", "start", *NEVER_READY).says("starting 1 engine")
    assert start.signal(signal.SIGINT).ends() == 0
    assert start.lines[1:] == ["stopped: received SIGINT\n"]
