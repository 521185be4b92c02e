"""What `ps`, `top` and batch systems see of a process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os
from engineroom.machine.titles import set_title
set_title("engineroom controller [lab]")
print(open("/proc/self/cmdline").read().strip("\\0 "))
print(open("/proc/self/comm").read(), end="")
print(*[line for line in open("/proc/self/environ").read().split("\\0") if line.startswith("MARK")])
print(*[name for name in os.environ if name.startswith(("SPT", "MARK"))])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="short names of processes are Linux's")
def test_the_title_is_whole_its_short_name_has_no_blank_and_the_environment_stays() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SPT_NOENV"} | {"MARK": "job 7"}
    command = [sys.executable, "-c", CODE]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    title, name, kept, visible = said.stdout.splitlines()
    assert (title, name) == ("engineroom controller [lab]", "engineroom-cont")
    assert (kept, visible) == ("MARK=job 7", "MARK")
