"""Engines that were there long before their controller."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from engineroom import Client, EngineError
from tests.system.conftest import SECONDS, Command


def test_a_host_that_gave_up_waiting_still_tells_how_its_engines_end(command: Callable[..., Command]) -> None:
    engines = command("ipcluster", "engines", "-n", "2", "--Cluster.engine_timeout=0.3")
    engines.says("2 of 2 engines did not register within 0.3 s")
    controller = command("ipcontroller")
    with Client(timeout=SECONDS) as rc:
        rc.wait_for_engines(2, timeout=SECONDS)
        call = rc[1].apply_async(signal.pause)
        rc.send_signal(signal.SIGKILL, targets=1, block=True)
        with pytest.raises(EngineError, match="killed by SIGKILL"):
            call.get(timeout=SECONDS)
    controller.signal(signal.SIGTERM).ends()
    engines.ends()
