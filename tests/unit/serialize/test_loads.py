"""Functions of the user's modules are packed anew once these have been loaded again, however many there are."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from engineroom.serialize.functions.packing import FunctionPacker
from engineroom.serialize.modules.search import Search


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """`upper_half`, which uses `lower_half`."""
    (tmp_path / "lower_half.py").write_text("value = 1\n")
    (tmp_path / "upper_half.py").write_text("import lower_half\n\ndef f():\n    return lower_half.value\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("upper_half")
    for name in ("upper_half", "lower_half"):
        sys.modules.pop(name, None)


def test_a_function_is_packed_anew_when_a_module_below_its_own_was_loaded_again(
    pair: ModuleType, tmp_path: Path
) -> None:
    packer = FunctionPacker()
    before = packer.pack(pair.f)
    assert packer.pack(pair.f) is before
    (tmp_path / "lower_half.py").write_text("value = 2222\n")
    importlib.reload(sys.modules["lower_half"])
    assert packer.pack(pair.f).hash != before.hash


def test_looking_for_other_modules_packs_nothing_anew(pair: ModuleType) -> None:
    packer = FunctionPacker()
    before = packer.pack(pair.f)
    with pytest.raises(ImportError):
        importlib.import_module("there_is_no_such_module")
    assert packer.pack(pair.f) is before


def test_a_module_is_seen_that_was_loaded_while_others_found_modules_first(
    pair: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packer = FunctionPacker()
    before = packer.pack(pair.f)
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if type(finder).__name__ != "Loads"])
    (tmp_path / "lower_half.py").write_text("value = 3333\n")
    importlib.reload(sys.modules["lower_half"])
    assert packer.pack(pair.f).hash != before.hash


def test_a_module_that_was_not_there_is_found_once_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    search = Search()
    search.begin()
    assert search.place("made_later") is None
    (tmp_path / "made_later").mkdir()
    search.begin()
    assert search.place("made_later") is None  # a directory alone is no package of the user's
    (tmp_path / "made_later" / "__init__.py").touch()
    search.begin()
    assert search.place("made_later") is not None
