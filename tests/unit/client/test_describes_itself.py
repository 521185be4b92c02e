"""What a client says of itself can be sent, whatever its program is called."""

from __future__ import annotations

import os
import sys

import msgspec
import pytest

from engineroom.client.connection.link import _who_this_is
from engineroom.protocol.attaching import Who
from engineroom.protocol.ranges import WORD

NAMES = {
    "not UTF-8": os.fsdecode(b"pr\xfcfung.py"),
    "long": "x" * 5000,
    "long, of characters that take several bytes": "ü" * 5000,
    "none": "",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_program_of_any_name_is_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sys, "argv", [name])
    who = _who_this_is()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(who), type=Who) == who
    assert len(who.program) <= WORD
