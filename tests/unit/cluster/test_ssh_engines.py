"""Engines on many machines: what this one needs for that."""

from __future__ import annotations

import resource

import pytest

from engineroom.cluster.ssh.near.engines import make_room


@pytest.mark.parametrize(
    ("machines", "limits", "expected"),
    [
        (10, (1024, 4096), None),
        (300, (1024, 4096), (2600, 4096)),
        (900, (1024, 4096), (4096, 4096)),
        (900, (1024, 1024), None),
        (900, (1024, resource.RLIM_INFINITY), (7400, resource.RLIM_INFINITY)),
        (900, (resource.RLIM_INFINITY, resource.RLIM_INFINITY), None),
    ],
)
def test_there_is_room_for_the_connections(
    monkeypatch: pytest.MonkeyPatch, machines: int, limits: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: asked.append(wanted))
    make_room(machines)
    assert asked == ([] if expected is None else [expected])
