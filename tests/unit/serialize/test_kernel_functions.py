"""While a cell runs, a notebook's kernel has methods of its own in the place of `input` and `getpass`."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

import pytest

from engineroom.serialize.payloads import pack, unpack


class Kernel:
    """Stands for that of a notebook, of which nothing can be pickled."""

    def __init__(self) -> None:
        self.socket = threading.Lock()

    def ask(self, prompt: str = "") -> str:
        return prompt


@pytest.mark.parametrize(("module", "name"), [("builtins", "input"), ("getpass", "getpass")])
def test_what_asks_a_person_travels_by_its_name(module: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, original = Kernel().ask, getattr(import_module(module), name)
    with monkeypatch.context() as cell:
        cell.setattr(f"{module}.{name}", ask)
        packed = pack({"direct": ask, "captured": lambda: ask()})
    found: Any = unpack(packed)
    assert found["direct"] is original
    assert found["captured"].__closure__[0].cell_contents is original
