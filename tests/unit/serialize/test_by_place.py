"""Memory-mapped files that travel by their place, if they are the same at the other end."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom import by_place
from engineroom.serialize.by_place import WrongFile
from engineroom.serialize.payloads import unpickled


def there(value: Any) -> Any:
    return unpickled(pickle.dumps(by_place(value)))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "data.bin"
    path.write_bytes(b"a head." + np.arange(6 * 8 * 10, dtype="<i4").tobytes() + b"a tail")
    return path


def mapped(file: Path, mode: Any = "r", **options: Any) -> Any:
    return np.memmap(file, "<i4", mode, 7, (6, 8, 10), **options)


slices = st.builds(slice, *[st.none() | st.integers(-12, 12)] * 2, st.none() | st.integers(-3, 3).filter(bool))


@given(st.tuples(slices, slices, slices), st.permutations([0, 1, 2]), st.booleans())
def test_any_view_is_the_same_at_the_other_end(file: Path, cuts: Any, axes: list[int], fortran: bool) -> None:
    whole = mapped(file, order="F" if fortran else "C")
    view = whole[cuts].transpose(axes)
    found = there(view)
    np.testing.assert_array_equal(found, view)
    assert (found.dtype, found.shape) == (view.dtype, view.shape)
    assert not found.flags.writeable


def test_its_bytes_are_not_sent(file: Path) -> None:
    assert len(pickle.dumps(by_place(mapped(file)))) < 700
    assert str(file) in repr(by_place(mapped(file)))


def test_what_cannot_travel_by_its_place(file: Path) -> None:
    for value, words in ((3, "not int"), (np.zeros(3), "this array is in memory"), ([1], "not list")):
        with pytest.raises(TypeError, match=words):
            by_place(value)
    for mode in ("r+", "c"):
        with pytest.raises(ValueError, match=f"mapped with mode 'r', not '{mode.replace('+', '[+]')}'"):
            by_place(mapped(file, mode))
    with pytest.raises(TypeError, match="in memory"):
        by_place(mapped(file) + 1)


def test_a_file_that_is_not_the_same(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    content = np.arange(100_000, dtype="<i4").tobytes()
    path.write_bytes(content)
    array = np.memmap(path, "<i4", "r")
    sent = pickle.dumps(by_place(array))
    facts = path.stat()

    os.truncate(path, 1000)
    with pytest.raises(WrongFile, match=r"has 1,000 bytes here, and had 400,000 when it was sent by_place\(\)"):
        unpickled(sent)
    with pytest.raises(ValueError, match="has been truncated"):
        by_place(array)
    path.write_bytes(content[:-1] + b"!")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    with pytest.raises(WrongFile, match="is not the file that was sent"):
        unpickled(sent)
    path.write_bytes(content)
    with pytest.raises(WrongFile, match="it has changed since"):
        unpickled(sent)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert unpickled(sent)[-1] == 99_999
    path.unlink()
    with pytest.raises(WrongFile, match=r"No such file or directory\. A value"):
        unpickled(sent)


def test_an_array_without_items(file: Path) -> None:
    assert there(mapped(file)[3:3]).shape == (0, 8, 10)
