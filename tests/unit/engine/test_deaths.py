"""What a process that has ended ran, and whether that ended it."""

from __future__ import annotations

import os
import signal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from engineroom.engine.deaths import own_doing
from engineroom.engine.now_running import NowRunning
from engineroom.ids import SessionId, task_id


@pytest.mark.parametrize("name", ["SEGV", "ABRT", "BUS", "ILL", "FPE", "XCPU", "ALRM"])
def test_a_crash_is_its_own_doing(name: str) -> None:
    assert own_doing(-getattr(signal, f"SIG{name}"), f"killed by SIG{name}")


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_so_is_an_exit(code: int) -> None:
    assert own_doing(code, f"exit code {code}")


@pytest.mark.parametrize("cause", ["killed by SIGKILL (out of memory)", "killed by SIGKILL (out of memory?)"])
def test_so_is_using_too_much_memory(cause: str) -> None:
    assert own_doing(-signal.SIGKILL, cause)


@pytest.mark.parametrize("name", ["KILL", "TERM", "HUP", "INT", "USR1"])
def test_what_comes_from_outside_is_not(name: str) -> None:
    assert not own_doing(-getattr(signal, f"SIG{name}"), f"killed by SIG{name}")


@given(session=st.binary(min_size=16, max_size=16), number=st.integers(1, 2**64 - 1), attempt=st.integers(1, 2**63))
def test_a_parent_reads_what_its_child_noted(session: bytes, number: int, attempt: int) -> None:
    task, runs = task_id(SessionId(session), number), NowRunning()
    pid = os.fork()
    if pid == 0:
        runs.note(task, attempt)
        os._exit(0)
    os.waitpid(pid, 0)

    assert runs.read() == (task, attempt)
    runs.clear()
    assert runs.read() is None
    runs.close()
