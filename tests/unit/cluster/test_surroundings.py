"""What engines get unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.machine import surroundings
from engineroom.machine.surroundings import cores, own_directory, own_module_path, thread_limits


@pytest.mark.parametrize(
    ("engines", "available", "share"), [(1, 8, "8"), (4, 8, "2"), (8, 8, "1"), (100, 2, "1"), (0, 2, "2")]
)
def test_engines_share_the_cores(engines: int, available: int, share: str) -> None:
    limits = thread_limits(engines, cores=available, environment={})
    assert set(limits.values()) == {share}
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} <= limits.keys()


def test_what_the_user_has_set_stays() -> None:
    assert "MKL_NUM_THREADS" not in thread_limits(2, cores=2, environment={"MKL_NUM_THREADS": "8"})
    assert thread_limits(2, cores=2, environment={"OMP_NUM_THREADS": "8"}) == {}


@pytest.mark.parametrize(("quota", "expected"), [("max 100000", 4), ("150000 100000", 2), ("900000 100000", 4)])
def test_a_container_has_the_cores_of_its_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(surroundings.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert cores(quota_file=tmp_path / "cpu.max") == expected


def test_the_directory_as_the_user_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real")
    monkeypatch.chdir(link)
    monkeypatch.setenv("PWD", str(link))
    assert own_directory() == str(link)
    monkeypatch.setenv("PWD", "/somewhere/else")
    assert own_directory() == str(tmp_path / "real")


def test_a_module_path_that_means_the_same_elsewhere() -> None:
    assert own_module_path(["", "/a", "/a", "/b"]) == [own_directory(), "/a", "/b"]
