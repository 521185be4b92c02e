"""Tests on real servers and networks: root and ENGINEROOM_REAL=1, or they say why they did not run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs = {"root": os.geteuid() == 0, "ENGINEROOM_REAL=1": os.environ.get("ENGINEROOM_REAL") == "1"}
    missing = [words for words, present in needs.items() if not present]
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.real)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"a test on real servers needs {' and '.join(missing)}"))
