"""A limit that can't be raised stops nothing."""

from __future__ import annotations

import resource
import sys

import pytest

from engineroom.machine.open_files import allow, limit


@pytest.mark.parametrize("error", [ValueError("current limit exceeds maximum limit"), PermissionError()])
def test_a_system_that_refuses_is_left_alone(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(_what: int, _limits: tuple[int, int]) -> None:
        raise error

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    allow(65536)
    assert limit() == 256


def test_a_platform_without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    allow(65536)
    assert limit() is None
