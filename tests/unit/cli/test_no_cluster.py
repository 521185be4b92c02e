"""`ipcluster tasks`, `audit` and `console` where no cluster runs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engineroom.cli.expected import seconds_for
from engineroom.cli.ipcluster import main as ipcluster
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_application
from engineroom.settings.records import IPClusterTasks
from engineroom.store.config import name_of_cluster
from engineroom.store.sqlite.store import SQLiteStore
from tests.store.tasks import submitted


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    found = Profile(tmp_path / "profile_default")
    for place in (found.security_dir, found.pid_dir):
        place.mkdir(parents=True)
    return found


def seconds(profile: Profile, *options: str) -> float:
    return seconds_for(read_application(IPClusterTasks, [f"--profile-dir={profile.path}", *options]))


@pytest.mark.parametrize("command", ["tasks", "audit", "console"])
def test_nobody_waits_where_no_cluster_runs(profile: Profile, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert ipcluster([command, f"--profile-dir={profile.path}"]) == 1
    said = capsys.readouterr().err
    assert "found no controller: " in said
    assert "Start a cluster with `ipcluster start -n 4" in said
    assert "Waiting" not in said


def test_who_says_how_long_waits(profile: Profile) -> None:
    assert (seconds(profile), seconds(profile, "--timeout=7"), seconds(profile, "--timeout=10")) == (0, 7, 10)
    assert (seconds(profile, "--file=absent.json"), seconds(profile, "--file=absent.json", "--timeout=7")) == (0, 7)
    (profile.security_dir / "copied.json").touch()
    assert (
        seconds(profile, "--file=copied.json") == seconds(profile, f"--file={profile.security_dir}/copied.json") == 10
    )
    (profile.path / "more.py").write_text("c = get_config()\nc.IPClusterTasks.timeout = 3\n")
    assert seconds(profile, f"--config={profile.path / 'more.py'}") == 3


@pytest.mark.parametrize("program", ["ipcluster", "ipcontroller"])
def test_a_cluster_that_is_starting_is_waited_for(profile: Profile, program: str) -> None:
    record, file = ProcessRecord.of_this_process(), profile.pid_file(program, "")
    for pid, awaited in ((record.pid, 10), (1 << 22, 0)):
        file.write_bytes(msgspec.json.encode(msgspec.structs.replace(record, pid=pid)))
        file.chmod(0o600)
        assert seconds(profile) == awaited
    assert seconds(profile, "--cluster-id=another") == 0


def test_the_ids_of_clusters_that_have_tasks_in_the_file_are_told(
    profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--profile-dir={profile.path}"]
    for number in range(12):
        life = f"life{number}"
        cluster = name_of_cluster(profile.security_dir, f"id{number}")
        store = SQLiteStore(profile.path / "tasks.db", life, life=True, cluster=cluster)
        store.open()
        if number != 5:
            store.write([submitted(number)])
        store.close()
    assert ipcluster(["tasks", *options]) == 1
    said = capsys.readouterr().err
    assert "the latest first: 'id11', 'id10', " in said
    assert "'id5'" not in said
    assert "'id1' and 1 more. To read them, add --cluster-id=ID, such as --cluster-id=id11" in said
    assert ipcluster(["tasks", *options, "--cluster-id=id11"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
