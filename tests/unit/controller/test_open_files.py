"""A controller may have as many connections as the system lets it."""

from __future__ import annotations

import resource

import pytest

from engineroom.controller import open_files

INFINITY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1024, 4096), (4096, 4096)),
        ((1024, 2**20), (65536, 2**20)),
        ((1024, INFINITY), (65536, INFINITY)),
        ((64, 64), None),
        ((2**20, 2**20), None),
        ((INFINITY, INFINITY), None),
    ],
)
def test_the_limit_is_raised_to_what_is_allowed_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, before: tuple[int, int], after: tuple[int, int] | None
) -> None:
    said: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: before)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: said.append(limits))
    open_files.allow_many()
    assert said == ([] if after is None else [after])
