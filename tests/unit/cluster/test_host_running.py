"""A host process before it is a host: the plan that comes over its owner's socket, the lock, and what is said."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engineroom.cluster.host.running import prepare, serve
from engineroom.cluster.line.messages import Failed, read_report
from engineroom.cluster.owner.channel import encode_plan
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.records.pid_records import ALREADY_RUNNING, AlreadyRunning, read
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import EngineConfig
from engineroom.errors import LaunchError
from engineroom.machine.processes import ProcessRecord
from tests.patience import SECONDS


@pytest.fixture
def plan(tmp_path: Path) -> HostPlan:
    return HostPlan(
        profile_dir=str(tmp_path / "profile_x"),
        cluster_id="",
        engine=EngineConfig(connection_file=""),
        controller=ControllerConfig(security_dir=str(tmp_path / "profile_x/security")),
        n=0,
    )


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Yield a child that still imports, as spawners and controllers do at first."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", f"import threading; threading.Event().wait({SECONDS})"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        yield process


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the title and the logs of the process that runs the tests as they were."""
    monkeypatch.setattr("engineroom.cluster.host.running.set_title", lambda _: None)
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        handler.close()
    logging.captureWarnings(capture=False)


def failed(owner: socket.socket) -> Failed:
    """Return the one thing that a host says which cannot begin."""
    report = read_report(owner.recv(65536).strip())
    assert isinstance(report, Failed)
    return report


def test_an_owner_that_hangs_up_before_its_plan_leaves_nothing(child: subprocess.Popen[bytes]) -> None:
    owner, its = socket.socketpair()
    with its:
        owner.close()
        assert serve(its, spawner=child, controller=None) == 0
    assert child.returncode == -signal.SIGKILL


def test_a_lock_is_held_by_one_and_its_holder_is_named(plan: HostPlan) -> None:
    prepare(plan)
    record = read(plan.profile.pid_file("ipcluster", ""))
    assert record is not None
    assert record.pid == os.getpid()
    with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()} .*ipcluster stop --profile-dir="):
        prepare(plan)


def test_a_plan_with_a_name_that_is_not_utf_8_is_refused_in_words(plan: HostPlan) -> None:
    odd = msgspec.structs.replace(plan, profile_dir=os.fsdecode(b"/tmp/profile_\xff"))
    with pytest.raises(LaunchError, match=r"profile_.*is not UTF-8, so that no cluster can be started with it"):
        encode_plan(odd)


def test_a_second_host_says_so_to_its_owner_and_ends_its_children(
    plan: HostPlan, child: subprocess.Popen[bytes]
) -> None:
    plan.profile.prepare()
    plan.profile.pid_file("ipcluster", "").write_bytes(msgspec.json.encode(ProcessRecord.of_this_process()))
    owner, its = socket.socketpair()
    with owner, its:
        owner.sendall(encode_plan(plan))
        assert serve(its, spawner=child, controller=None) == 1
        said = failed(owner)
    assert (said.code, child.returncode) == (ALREADY_RUNNING, -signal.SIGKILL)
    assert "is already running" in said.reason


def test_a_profile_that_cannot_be_made_is_told_with_what_to_do(
    plan: HostPlan, child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no directory")
    plan = msgspec.structs.replace(plan, profile_dir=str(tmp_path / "file" / "profile_x"))
    owner, its = socket.socketpair()
    with owner, its:
        owner.sendall(encode_plan(plan))
        assert serve(its, spawner=child, controller=None) == 1
        said = failed(owner)
    assert str(tmp_path / "file") in said.reason
    assert child.returncode == -signal.SIGKILL
