"""`ipcluster stop`: who is asked, what counts as stopped, and what is said."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from engineroom.cluster.commands.stop import NothingToStop, stop
from engineroom.cluster.line.messages import Answered, Notice, Report, Stop, line_of, read_request
from engineroom.cluster.records.leftovers import control_socket, new_control_socket
from engineroom.cluster.records.pid_records import ALREADY_STOPPED
from engineroom.errors import LaunchError
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("ENGINEROOM_SOCKET_DIR", str(tmp_path / "s"))
    (tmp_path / "s").mkdir(mode=0o700)
    profile = Profile.find()
    profile.prepare()
    return profile


@contextmanager
def a_host(profile: Profile, *reports: Report) -> Iterator[list[Stop]]:
    """Have somebody listen where the cluster's host would, who answers the first line with `reports`, and hangs up."""
    asked: list[Stop] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(new_control_socket(profile, "", print)))
        listener.listen()
        listener.settimeout(SECONDS)

        def serve() -> None:
            sock, _ = listener.accept()
            with sock, sock.makefile("rb") as lines:
                request = read_request(lines.readline())
                assert isinstance(request, Stop)
                asked.append(request)
                sock.sendall(b"".join(map(line_of, reports)))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield asked
        finally:
            thread.join(SECONDS)


def test_a_host_whose_pid_file_is_gone_is_asked_by_its_socket(profile: Profile) -> None:
    with a_host(profile, Notice("stopping"), Answered(1)) as asked:
        assert stop(profile, "", seconds=SECONDS) == "stopped the cluster, whose pid file was gone"
    assert asked == [Stop(number=1, reason="ipcluster stop")]


def test_a_host_that_hangs_up_has_stopped(profile: Profile) -> None:
    with a_host(profile):
        assert "stopped the cluster" in stop(profile, "", seconds=SECONDS)


def test_a_host_that_can_not_stop_has_not(profile: Profile) -> None:
    with a_host(profile, Answered(1, error="its jobs cannot be cancelled")), pytest.raises(NothingToStop):
        stop(profile, "", seconds=SECONDS)


def test_what_does_not_run_is_said_with_what_was_removed_and_its_exit_code(profile: Profile) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(control_socket(profile, "")))
    ended = msgspec.structs.replace(ProcessRecord.of_this_process(), start_time="0")
    profile.pid_file("ipcluster", "").write_bytes(msgspec.json.encode(ended))
    with pytest.raises(NothingToStop) as caught:
        stop(profile, "", seconds=SECONDS)
    words = str(caught.value)
    assert words.startswith(f"the cluster is not running: its process {os.getpid()} has ended, and that pid belongs to")
    assert "removed its leftovers: ipcluster.pid" in words
    assert caught.value.code == ALREADY_STOPPED


def test_a_process_of_another_machine_whose_controller_does_not_answer_is_left_alone(profile: Profile) -> None:
    there = msgspec.structs.replace(ProcessRecord.of_this_process(), host="node7", boot_id="another")
    path = profile.pid_file("ipcluster", "")
    path.write_bytes(msgspec.json.encode(there))
    with pytest.raises(LaunchError, match=r"another machine or container .*on node7.*Stop it there"):
        stop(profile, "", seconds=SECONDS)
    assert path.exists()
