"""A database that fails while people work: they are told once, `ipcluster why` says so, and what can be is caught up.

It is a store of a package's own, which is installed and named by its entry point.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import engineroom as er
from engineroom.cluster.why import report
from engineroom.cluster.why.report import as_text
from engineroom.settings.profiles import Profile
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.system.conftest import Command

SHELF = """
from pathlib import Path

from engineroom.store.memory import MemoryStore

BROKEN = Path(__file__).with_name("broken")


class Shelf(MemoryStore):
    on_disk, where = True, "the shelf"

    def write(self, changes):
        if BROKEN.exists():
            raise OSError(28, "No space left on device")
        super().write(changes)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield where a package is installed that offers a store."""
    place = tmp_path_factory.mktemp("site")
    (place / "er_test_shelf.py").write_text(SHELF)
    about = place / "er_test_shelf-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: er-test-shelf\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[engineroom.stores]\nshelf = er_test_shelf:Shelf\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(place)
        patch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)
        yield place
    sys.modules.pop("er_test_shelf", None)


@pytest.fixture(scope="module")
def rc(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[er.Client]:
    home = tmp_path_factory.mktemp("shelf") / "profile_default"
    with er.Cluster(n=1, profile_dir=str(home), controller_args=["--IPController.db_class=shelf"]) as client:
        client.wait_for_engines(1)
        yield client


def why(rc: er.Client) -> str:
    cluster = rc.cluster
    return as_text(report.why(Profile(Path(cluster.profile_dir)), cluster.cluster_id))


def test_a_store_of_an_installed_package_fails_and_works_again(
    rc: er.Client, package: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = rc[0].apply_async(pow, 2, 5)
    assert before.get(SECONDS) == 32
    assert rc.audit()["store"] == "the shelf"

    with caplog.at_level(logging.WARNING):
        (package / "broken").touch()
        meanwhile = [rc[0].apply_async(pow, 3, number) for number in range(5)]
        assert [each.get(SECONDS) for each in meanwhile] == [1, 3, 9, 27, 81]
        assert wait_until(lambda: "No space left on device" in caplog.text, SECONDS)
        names = [before.msg_id, *(each.msg_id for each in meanwhile)]
        assert [record["msg_id"] for record in rc.db_query({}, keys=["state"])] == names
        assert "tasks are not recorded: OSError: [Errno 28] No space left on device" in (told := why(rc))
        assert "fix: make room on that disk" in told
        assert "No space left" in rc.audit()["trouble"]

        (package / "broken").unlink()
        assert wait_until(lambda: "the shelf works again: 5 tasks were written later" in caplog.text, SECONDS)
    assert caplog.text.count("No space left on device. Tasks go on; until this") == 1
    assert "tasks are not recorded" not in why(rc)
    audit = rc.audit()
    assert audit.well, str(audit)
    assert (audit["missed"], audit["trouble"], audit["delivered"]) == (0, "", 6)


DAMAGE = {
    "it can't be opened": (
        lambda place: place.write_text(""),
        "Tasks go on; until this is solved they are kept in memory",
    ),
    "it is damaged": (lambda place: _damaged(place), "It was renamed to tasks.db.corrupt-"),
}


def _damaged(place: Path) -> None:
    place.mkdir()
    (place / "tasks.db").write_text("this is no database")


@pytest.mark.parametrize(("damage", "words"), DAMAGE.values(), ids=DAMAGE)
def test_whoever_starts_a_cluster_is_told_what_is_wrong_with_its_database(
    command: Callable[..., Command], tmp_path: Path, damage: Callable[[Path], object], words: str
) -> None:
    place = tmp_path / "place"
    damage(place)
    started = command("ipcluster", "start", "-n", "0", "--", "--sqlitedb", f"--SQLiteDB.location={place}")
    started.says("0 engines are ready")
    assert words in started.output
    assert started.signal(signal.SIGINT).ends() == 0
