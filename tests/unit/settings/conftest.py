"""A profile of each test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.settings.profiles import Profile


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Return the default profile of an IPython directory of the test's own."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    profile = Profile.find()
    profile.prepare()
    return profile
