"""`bind_kernel` says why it can't, and leaves no connection files of dead engines."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

import engineroom
from engineroom.engine import binding
from engineroom.engine.between import place


def test_a_process_that_is_no_engine_is_told() -> None:
    assert place.between is None
    with pytest.raises(RuntimeError, match=r"this process is not an engine. Run it on an engine: `rc"):
        engineroom.bind_kernel()


def test_an_engine_without_ipykernel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Any = importlib.util.find_spec
    monkeypatch.setattr(place, "between", object())
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ipykernel" else found(name))
    with pytest.raises(ImportError, match=r"needs ipykernel on the engine.*pip install ipykernel.*ipcluster console"):
        engineroom.bind_kernel()


def test_files_of_engines_that_were_killed_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    names = {f"{binding._prefix()}{os.getpid()}.json", "kernel-999999999.json", "engineroom-other-999999999.json"}
    for name in {*names, f"{binding._prefix()}999999999.json"}:
        (tmp_path / name).touch()
    binding._remove_old_files()
    assert {path.name for path in tmp_path.iterdir()} == names
