"""Large bytes that come again and again are made in memory that is there, until little comes any more."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_PAGES = 40 * 256
"""So many has what is made at a time."""

_SCRIPT = """
import json, resource
from engineroom.machine import memory

memory.give_back()
source = memoryview(bytes(1 << 20))

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    several = [bytes(source) for _ in range(40)]
    del several
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

found = [faults(), faults()]
memory.keep_freed()
found += [faults(), faults()]
memory.keep_little()
memory.give_back()
found.append(faults())
print(json.dumps(found))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere malloc is left alone")
def test_what_was_freed_is_used_again_until_it_is_given_back() -> None:
    command = [sys.executable, "-c", _SCRIPT]
    first, usual, kept, again, given_back = json.loads(subprocess.check_output(command, timeout=60))
    assert min(first, usual, kept, given_back) > 0.9 * _PAGES
    assert again < 0.1 * _PAGES
