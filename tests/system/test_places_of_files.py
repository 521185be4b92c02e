"""Arrays that travel as the place of their file: engines say in words when that is not there, or not the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engineroom as er
from engineroom import Client
from engineroom.serialize.by_place import WrongFile
from tests.system.held_tasks import Mark, wait_for_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.npy"
    np.save(path, np.arange(200_000))
    return path


def change(how: str, file: Path) -> None:
    if how == "truncated":
        os.truncate(file, 4096)
    elif how == "replaced":
        other = file.with_name("other.npy")
        np.save(other, np.arange(200_000)[::-1])
        other.replace(file)
    else:
        file.unlink()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("truncated", r"has 4,096 bytes here, and had 1,600,128 when it was sent by_place\(\)"),
        ("replaced", "is not the file that was sent by_place"),
        ("missing", r"data\.npy: No such file or directory"),
    ],
)
def test_a_file_that_changes_before_the_task_starts(rc: Client, file: Path, mark: Mark, how: str, words: str) -> None:
    place = er.by_place(np.load(file, mmap_mode="r"))
    rc[:].apply_async(wait_for_file, str(mark))
    results = [rc[0].apply_async(len, place), rc[1].push({"a": place}, block=False)]
    change(how, file)
    mark.set()
    for result in results:
        with pytest.raises(WrongFile, match=words):
            result.get(60)
    assert rc[:].apply_sync(int) == [0, 0]


def test_a_file_that_may_be_changed_is_refused_here(file: Path) -> None:
    for mode in ("r+", "c"):
        with pytest.raises(ValueError, match="mapped with mode 'r'"):
            er.by_place(np.load(file, mmap_mode=mode))
    made: Any = np.memmap(file.with_name("made"), np.uint8, "w+", shape=(10,))
    with pytest.raises(ValueError, match="mapped with mode 'r', not 'w"):
        er.by_place(made)


def test_engines_map_the_file_and_get_none_of_its_bytes(rc: Client, file: Path) -> None:
    def mapped(array: Any) -> tuple[int, bool]:
        return int(array[-1]), any(str(file) in line for line in open("/proc/self/maps"))

    assert rc[:].apply_sync(mapped, er.by_place(np.load(file, mmap_mode="r"))) == [(199_999, True)] * 2
