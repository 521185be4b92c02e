"""The table of `ipcluster list` fits a terminal; where it does not go to one, it is whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engineroom.cluster.commands.listing import as_table, remarks
from engineroom.cluster.finding.registry import Found
from engineroom.cluster.records.pid_records import Holder
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile


def cluster(profile: str, directory: str, launcher: str = "local") -> Found:
    values = {"engines": {"class": launcher, "sets": {}}}
    record = ProcessRecord(4194304, "1", "boot", "host", "pid")
    return Found(Profile(Path(profile)), "a1b2c3d4", Holder.RUNNING, record, values, directory, time.time())


LONG = [
    cluster(f"/{'p' * 90}/profile_mine", f"/{'d' * 200}/here"),
    cluster("/p/profile_x", "/d", "slurm"),
    cluster("/p/profile_y", f"/{'d' * 30}"),
]


@pytest.mark.parametrize("found", [LONG, LONG[:1], LONG[1:2], LONG[2:]])
@pytest.mark.parametrize("width", [80, 100, 132, 400])
def test_it_is_as_wide_as_the_terminal_at_most_and_paths_keep_their_ends(found: list[Found], width: int) -> None:
    table = as_table(found, width)
    assert max(map(len, table)) <= width
    for row, each in zip(table[1:], found, strict=True):
        assert each.cluster_id in row
        assert row.endswith(each.directory[-9:])
        assert str(each.profile.path if each.profile else "")[-9:] in row


def test_without_a_terminal_nothing_is_cut() -> None:
    table = as_table(LONG)
    assert f"/{'d' * 200}/here" in table[1]
    assert "LocalEngineSetLauncher" in table[1]


def test_a_controller_that_was_restarted_is_told_below_the_table() -> None:
    found = cluster("/p/profile_x", "/d")
    end = {"words": "the ipcontroller (pid 7) ended: killed by SIGKILL", "at": time.time()}
    found.values["controller"] = {"state": {"port": 4000}}
    others = remarks([found])
    for state, words in (
        ({"restarts": 0}, "is being restarted, since its death at "),
        ({"port": 4000, "restarts": 1}, "was restarted once, at "),
        ({"port": 4000, "restarts": 3}, "was restarted 3 times, last at "),
    ):
        found.values["controller"] = {"state": {**state, "last_end": end}}
        _, said, *rest = remarks([found])
        assert rest == others
        assert said.startswith(f"The controller of cluster a1b2c3d4 {words}")
        assert said.endswith(": the ipcontroller (pid 7) ended: killed by SIGKILL.")
