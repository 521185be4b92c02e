"""Signals as people write them; what is none is refused with words."""

from __future__ import annotations

import signal

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from engineroom.machine.signals import signal_name, signal_number


@pytest.mark.parametrize(
    "wanted", [2, "SIGINT", "INT", "sigint", "int", " Int ", "2", signal.SIGINT, signal.Signals.SIGINT, np.int64(2)]
)
def test_what_names_a_signal(wanted: object) -> None:
    assert signal_number(wanted) == 2
    assert type(signal_number(wanted)) is int


@pytest.mark.parametrize(("wanted", "number"), [("CLD", signal.SIGCHLD), ("SIGKILL", 9), ("kill", 9), ("SIGUSR1", 10)])
def test_other_names(wanted: str, number: int) -> None:
    assert signal_number(wanted) == number


def test_real_time_signals() -> None:
    assert signal_number("RTMIN+1") == signal.SIGRTMIN + 1
    assert signal_number("SIGRTMAX") == signal_number("SIGRTMAX-0") == signal.SIGRTMAX
    assert signal_number(int(signal.SIGRTMIN) + 3) == signal.SIGRTMIN + 3


def test_names_of_signals() -> None:
    assert signal_name(2) == "SIGINT"
    assert signal_name(signal.SIGRTMIN) == "SIGRTMIN"
    assert signal_name(40) == "signal 40"  # which has no name of its own


NONE = ["SIGFOO", "", "SIG", "0", "-2", "SIG_DFL", "_IGN", "999", "9" * 20, "٢", "sigint; reboot"]


@pytest.mark.parametrize(
    "wanted", [999, 65, 0, -1, -9, 32, 33, 10**30, *NONE, "SIGRTMIN+90", "SIGRTMAX+1", "SIGRTMIN-5", "SIGRTMAX-40"]
)
def test_what_is_no_signal(wanted: object) -> None:
    with pytest.raises(ValueError, match=r"is not a signal\. Use a name such as 'SIGINT', or a number from 1 to "):
        signal_number(wanted)


@pytest.mark.parametrize("wanted", [True, False, 2.0, None, b"SIGINT", [2], signal, object()])
def test_what_cannot_name_one(wanted: object) -> None:
    with pytest.raises(TypeError, match="expected a signal's number or name, got "):
        signal_number(wanted)


@given(st.one_of(st.integers(), st.text(), st.floats(), st.none(), st.booleans(), st.sampled_from(dir(signal))))
def test_whatever_is_given_is_a_signal_of_this_machine_or_refused(wanted: object) -> None:
    try:
        number = signal_number(wanted)
    except (ValueError, TypeError):
        return
    assert number in signal.valid_signals()
