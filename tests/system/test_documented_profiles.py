"""What the documentation shows of profiles."""

from __future__ import annotations

from pathlib import Path

from engineroom.settings.config_files import config_file
from tests.reader import Reader

PAGE = "profiles.md"
STAND_IN = Path(__file__).parents[2] / "compat" / "ipyparallel" / "src"


def test_a_profile_and_its_options(reader: Reader) -> None:
    reader.follows(PAGE, "profiles-create")
    config_file(reader.profile("mycluster").path, "ipcontroller").write_text("c.IPController.ip = '*'\n")
    reader.follows(PAGE, "profiles-config")


def test_as_it_was_done_with_ipython_parallel(reader: Reader) -> None:
    reader.environment["PYTHONPATH"] = str(STAND_IN)
    reader.follows(PAGE, "profiles-ipython")
    assert (reader.profile("myprofile").path / "ipcluster_config.py").exists()


def test_without_the_stand_in_it_says_what_to_install(reader: Reader) -> None:
    [create] = reader.follows(PAGE, "profiles-create")
    assert 'pip install "engineroom[ipyparallel]"' in create.output
