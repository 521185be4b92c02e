"""Engines that have been restarted are told of once, together where the reason is the same."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.engines.renewed import warn_of_renewed
from engineroom.trail.stops import BY_COMMAND, ENGINE_ENDS
from tests.conftest import wait_until
from tests.unit.client.fake_controller import FakeController


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


def test_a_call_to_all_engines_says_once_which_of_them_it_does_not_reach(
    rc: Client, fake: FakeController, caplog: pytest.LogCaptureFixture
) -> None:
    everywhere = rc.direct_view("all")
    fake.do(fake.leave, 1, "killed by SIGKILL")
    assert wait_until(lambda: rc.ids == [0])
    rc[0].apply_sync(abs, -1)
    assert not caplog.messages, "that does not concern engine 1"
    assert [everywhere.apply_sync(abs, -1) for _ in range(2)] == [[1], [1]]
    [said] = caplog.messages
    assert said.startswith("engine 1 died (killed by SIGKILL): this call goes to engine 0 only")
    assert "`rc.wait_for_engines(2)` waits for them" in said


@pytest.mark.parametrize("cause", sorted({*ENGINE_ENDS, BY_COMMAND}))
def test_engines_that_somebody_ended_on_purpose_are_not_missed(
    rc: Client, fake: FakeController, caplog: pytest.LogCaptureFixture, cause: str
) -> None:
    fake.do(fake.leave, 1, cause)
    assert wait_until(lambda: rc.ids == [0])
    assert rc.direct_view("all").apply_sync(abs, -1) == [1]
    assert not caplog.messages
