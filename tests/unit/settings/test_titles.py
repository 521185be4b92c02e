"""What `ps`, `top` and batch systems see of a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
from engineroom.settings.titles import set_title
set_title("engineroom controller [lab]")
print(open("/proc/self/cmdline").read().strip("\\0 "))
print(open("/proc/self/comm").read(), end="")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="short names of processes are Linux's")
def test_the_title_is_whole_and_the_short_name_has_no_blank() -> None:
    said = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.splitlines() == ["engineroom controller [lab]", "engineroom-cont"]
