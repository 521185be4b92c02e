"""What the kernel that tests run on can do."""

from __future__ import annotations

import os
import re


def tells_written_pages() -> bool:
    """Whether this system tells which pages of a mapping were written."""
    return tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (6, 7)
