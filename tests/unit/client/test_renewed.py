"""Engines that have been restarted are told of once, together where the reason is the same."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from engineroom.client.engines.renewed import warn_of_renewed


def test_engines_that_were_restarted_for_one_reason_share_a_line(caplog: pytest.LogCaptureFixture) -> None:
    causes = {0: "killed by SIGKILL", 1: "killed by SIGKILL", 2: "exit code 3", 3: "stopped by its host"}
    now = time.time()
    table = SimpleNamespace(renewed=dict.fromkeys(range(4), now), cause_of_renewal=causes.__getitem__)
    state: Any = SimpleNamespace(engines=table, kept=SimpleNamespace(all=list))
    engines: Any = [SimpleNamespace(id=number) for number in range(5)]
    for _ in range(2):
        warn_of_renewed(state, engines)
    first, second = caplog.messages
    assert first.startswith("engines 0-1 are new processes since ")
    assert "the earlier ones ended (killed by SIGKILL), and their variables are gone" in first
    assert second.startswith("engine 2 is a new process since ")
    assert "the earlier one ended (exit code 3), and its variables are gone" in second
