"""The place for bytes that nobody wants is as large as a record, and takes no memory before there are some."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engineroom.protocol.records import MAX_RECORD

_PROGRAM = """
from pathlib import Path

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

import mmap
import engineroom.protocol.records
before = resident()
from engineroom.protocol import streams
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_importing_streams_takes_little_memory() -> None:
    command = [sys.executable, "-c", _PROGRAM]
    taken = int(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)
    assert taken < MAX_RECORD
