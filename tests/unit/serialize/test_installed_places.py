"""What `pip install --target` has put somewhere is installed there, and does not travel."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.serialize.modules.own import is_installed


@pytest.mark.parametrize("installed", [True, False])
def test_a_directory_with_the_records_of_an_installer_holds_installed_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, installed: bool
) -> None:
    if installed:
        (tmp_path / "frames-2.1.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))

    assert is_installed(str(tmp_path / "frames" / "__init__.py")) is installed
