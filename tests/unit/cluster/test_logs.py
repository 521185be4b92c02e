"""Which logs are those of a cluster, and which are not there yet."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from engineroom.cluster.commands.logs import log_files
from engineroom.cluster.records import cluster_file
from engineroom.cluster.records.cluster_file import HostAddress
from engineroom.errors import LaunchError
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS


def started(directory: Path, ago: float) -> Profile:
    """Return the profile of a cluster that was started so many seconds ago, with a log of an earlier engine."""
    profile = Profile(directory / "profile_x")
    profile.security_dir.mkdir(parents=True, mode=0o700)
    profile.log_dir.mkdir(mode=0o700)
    host = HostAddress(ProcessRecord.of_this_process(), "", "", time.time() - ago)
    values = cluster_file.describe(
        options={}, profile_dir=str(profile.path), cluster_id="", host=host, controller={}, sets={}, handles={}
    )
    cluster_file.write(profile.cluster_file(""), values)
    profile.log_file("ipcontroller", "").touch()
    log = profile.log_dir / "ipengine-0.log"
    log.touch()
    os.utime(log, (1e9, 1e9))
    return profile


def test_an_engine_that_was_just_started_may_write_its_first_words(tmp_path: Path) -> None:
    profile = started(tmp_path, 0)
    log = profile.log_dir / "ipengine-0.log"
    writing = threading.Timer(0.1, log.write_text, ["hello"])
    writing.start()
    assert log_files(profile, "", ["0"], SECONDS) == {"engine-0": log}
    writing.join()


@pytest.mark.parametrize(("ago", "patience"), [(0, 0.0), (1000, SECONDS)])
def test_a_log_of_an_earlier_cluster_is_none_of_this_one(tmp_path: Path, ago: float, patience: float) -> None:
    with pytest.raises(LaunchError, match="no log of '0'; this cluster has logs of: controller"):
        log_files(started(tmp_path, ago), "", ["0"], patience)
