"""What docs/names.md shows, done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engineroom import Client

PAGE = Path(__file__).parents[2] / "docs" / "names.md"


def test_the_examples_give_what_they_say(rc: Client) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "__main__", "view": rc[0], "data": np.arange(5)}
    exec("import engineroom", names)
    for line in (line for block in blocks for line in block.splitlines() if line.strip()):
        code, _, said = line.partition("#")
        if not said:
            exec(code, names)
            continue
        value = eval(code, names) if said.strip()[0].isdigit() else exec(code, names)
        if value is not None:
            assert value == pytest.approx(float(said.split(":")[0])), line
    rc[:].clear(block=True)
