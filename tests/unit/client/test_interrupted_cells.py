"""Ctrl-C comes when a cell has just been sent: what becomes of it is decided by whoever sent it."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.magics.flags import NO_SIGNAL
from engineroom.magics.running import Way, run_and_show
from engineroom.protocol.messages import Abort
from tests.conftest import wait_until
from tests.unit.client.fake_controller import FakeController


def interrupted_once_sent(rc: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the next call interrupted as soon as it has been sent, while the client is still at it."""
    link: Any = rc._session._link
    write = link.write_now

    def send(request: Any) -> bool:
        monkeypatch.undo()
        write(request)
        raise KeyboardInterrupt

    monkeypatch.setattr(link, "write_now", send)


def test_a_cell_that_ctrl_c_is_to_leave_alone_goes_on(
    rc: Client, fake: FakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.holding = True
    interrupted_once_sent(rc, monkeypatch)
    noted: list[Any] = []
    with pytest.raises(KeyboardInterrupt):
        run_and_show(rc[:], lambda: rc[:].execute("1", block=False), Way(signal=NO_SIGNAL), note=noted.append)
    [cell] = noted
    cell.abort()
    assert wait_until(cell.done)
    assert len(fake.heard_of(Abort)) == 1


def test_a_call_that_waits_is_withdrawn(rc: Client, fake: FakeController, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.holding = True
    interrupted_once_sent(rc, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        rc[:].apply_sync(abs, 1)
    assert wait_until(lambda: fake.heard_of(Abort))
