"""Blocking twins of async methods."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import traceback

import pytest

from engineroom.cluster.owner.blocking import blocking
from engineroom.machine.pulse import Pulse
from tests.patience import SECONDS


class Thing:
    async def double(self, x: int) -> int:
        """Return twice `x`."""
        await asyncio.sleep(0)
        if x < 0:
            raise ValueError(x)
        return 2 * x

    async def wait(self) -> None:
        """Wait for ever, and have Ctrl-C pressed meanwhile."""
        asyncio.get_running_loop().call_later(0.05, self.timer.start)  # once it waits, however busy this machine is
        await asyncio.Event().wait()

    # As a terminal does: to the main thread.
    timer = threading.Timer(0.0, os.kill, [os.getpid(), signal.SIGINT])
    double_sync, wait_sync = blocking(double), blocking(wait)


def test_a_twin_has_the_same_words_and_result() -> None:
    assert Thing().double_sync(2) == 4
    assert (Thing.double_sync.__name__, Thing.double_sync.__doc__) == ("double_sync", "Return twice `x`.")
    with pytest.raises(ValueError, match="-1"):
        Thing().double_sync(-1)


def test_a_twin_works_where_a_loop_runs() -> None:
    async def cell() -> int:
        return Thing().double_sync(3)

    assert asyncio.run(cell()) == 6


def test_ctrl_c_shows_the_users_frames_alone() -> None:
    thing = Thing()
    with pytest.raises(KeyboardInterrupt) as caught:
        thing.wait_sync()
    thing.timer.join()
    shown = "".join(traceback.format_exception(caught.value))
    assert "blocking.py" not in shown.replace(__file__, "")
    assert "CancelledError" not in shown


def test_a_pulse_wakes_those_whose_condition_came_true() -> None:
    async def story() -> tuple[bool, bool]:
        pulse, seen = Pulse(), [False]

        def change() -> None:
            seen[0] = True
            pulse.beat()

        asyncio.get_running_loop().call_soon(pulse.beat)  # nothing has changed yet
        asyncio.get_running_loop().call_later(0.01, change)
        return await pulse.until(lambda: seen[0], SECONDS), await pulse.until(lambda: not seen[0], 0.01)

    assert asyncio.run(story()) == (True, False)
