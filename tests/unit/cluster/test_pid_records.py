"""Who holds a name: this very process, one that is gone, or one that can't be seen from here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from engineroom.cluster.records import pid_records
from engineroom.cluster.records.pid_records import AlreadyRunning, Holder, claim, holder, read, release, remove_stale
from engineroom.machine.processes import ProcessRecord

WAY_OUT = "Stop it"


def of_us(**changes: object) -> ProcessRecord:
    """Return the record of this process, changed."""
    return msgspec.structs.replace(ProcessRecord.of_this_process(), **changes)


def write(path: Path, record: ProcessRecord) -> Path:
    path.write_bytes(msgspec.json.encode(record))
    return path


@pytest.mark.parametrize(
    ("record", "who"),
    [
        (None, Holder.NOBODY),
        (of_us(), Holder.RUNNING),
        (of_us(start_time="1"), Holder.ENDED),  # the pid is used again
        (of_us(pid=2**22 + 1), Holder.ENDED),
        (of_us(boot_id="another start of this machine"), Holder.ENDED),
        (of_us(host="elsewhere"), Holder.ELSEWHERE),
        (of_us(pid_namespace="pid:[1]"), Holder.ELSEWHERE),
    ],
)
def test_all_five_must_match(record: ProcessRecord | None, who: Holder) -> None:
    assert holder(record) is who


def test_a_claimed_file_holds_all_five(tmp_path: Path) -> None:
    path = tmp_path / "ipcluster.pid"
    claim(path, program="ipcluster", way_out=WAY_OUT)
    assert json.loads(path.read_text()).keys() == {"pid", "start_time", "boot_id", "host", "pid_namespace"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    release(path)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_is_exclusive(tmp_path: Path) -> None:
    path = tmp_path / "ipcluster.pid"
    claim(path, program="ipcluster", way_out=WAY_OUT)
    with pytest.raises(AlreadyRunning, match=f"ipcluster is already running, as process {os.getpid()} .*Stop it"):
        claim(path, program="ipcluster", way_out=WAY_OUT)


def test_what_may_run_elsewhere_is_left_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "ipcluster.pid", of_us(host="elsewhere"))
    with pytest.raises(AlreadyRunning, match=r"may already be running on elsewhere.*remove that file"):
        claim(path, program="ipcluster", way_out=WAY_OUT)
    release(path)
    assert read(path) == of_us(host="elsewhere")


@pytest.mark.parametrize("left", [b"", b"1234", b"{}", b'{"pid": "x"}', msgspec.json.encode(of_us(start_time="1"))])
def test_what_is_stale_or_not_ours_is_replaced(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "ipcluster.pid"
    path.write_bytes(left)
    claim(path, program="ipcluster", way_out=WAY_OUT)
    assert read(path) == ProcessRecord.of_this_process()


def test_only_what_is_stale_is_removed(tmp_path: Path) -> None:
    assert not remove_stale(tmp_path / "missing")
    assert not remove_stale(write(tmp_path / "running", of_us()))
    assert not remove_stale(write(tmp_path / "elsewhere", of_us(host="elsewhere")))
    assert remove_stale(write(tmp_path / "ended", of_us(start_time="1")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "running"]


def test_of_many_who_find_a_stale_file_one_gets_it(tmp_path: Path) -> None:
    path = write(tmp_path / "ipcluster.pid", of_us(start_time="1"))
    script = (
        "import sys\nfrom pathlib import Path\nfrom engineroom.cluster.records.pid_records import *\n"
        "sys.stdin.readline()\n"
        "try:\n    claim(Path(sys.argv[1]), program='p', way_out='')\nexcept AlreadyRunning:\n    print('no')\n"
        "else:\n    print('yes')\n"
        "sys.stdout.flush(), sys.stdin.readline()\n"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", script, str(path)]
    racers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(6)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.stdout.readline().strip() for racer in racers if racer.stdout is not None]
    for racer in racers:
        racer.communicate()
    assert sorted(answers) == ["no"] * 5 + ["yes"]


def test_an_answer_lost_by_a_file_server_is_no_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def done_but_not_said(source: Path, target: Path) -> None:
        link(source, target)
        raise OSError("the server does not answer")

    monkeypatch.setattr(pid_records.os, "link", done_but_not_said)
    claim(tmp_path / "ipcluster.pid", program="ipcluster", way_out=WAY_OUT)
    assert read(tmp_path / "ipcluster.pid") == ProcessRecord.of_this_process()


def test_threads_exclude_each_other_too(tmp_path: Path) -> None:
    path = write(tmp_path / "ipcluster.pid", of_us(start_time="1"))
    removed: list[bool] = []
    threads = [threading.Thread(target=lambda: removed.append(remove_stale(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert removed.count(True) == 1


def test_patience_waits_for_a_holder_that_is_about_to_end(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = ProcessRecord.of(process.pid)
    assert record is not None
    path = write(tmp_path / "ipcontroller.pid", record)
    with pytest.raises(AlreadyRunning):
        claim(path, program="ipcontroller", way_out=WAY_OUT, patience=0.01)
    assert process.stdin is not None
    process.stdin.close()
    claim(path, program="ipcontroller", way_out=WAY_OUT, patience=60.0)
    process.wait()
    assert read(path) == ProcessRecord.of_this_process()
