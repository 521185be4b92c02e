"""The names under which launchers are imported."""

from __future__ import annotations

import pytest

from engineroom.cluster import launcher
from engineroom.settings.launchers import LAUNCHER_CLASSES


def test_every_class_is_there() -> None:
    assert {cls.__name__ for cls in LAUNCHER_CLASSES} <= set(launcher.__all__)
    assert all(hasattr(launcher, name) for name in launcher.__all__)


def test_classes_by_names_that_they_had() -> None:
    assert launcher.MPIExecEngineSetLauncher is launcher.MPIEngineSetLauncher
    with pytest.raises(AttributeError, match="NoSuchLauncher"):
        _ = launcher.NoSuchLauncher
