"""The file with the steps of a start."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from engineroom.trail import steps
from engineroom.trail.steps import Steps, begin, begin_for, begin_if_old, first_line, of_engines, read_steps


def words(path: Path) -> list[str]:
    return [step.words for step in read_steps(path)]


def test_several_processes_note_their_steps_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    for who in ("controller", "engine set 1"):
        Steps(path, who).note(steps.SUBMITTED, words=who, fix="none")
    assert [(step.who, step.step, step.ok, step.fix) for step in read_steps(path)] == [
        ("controller", "submitted", True, "none"),
        ("engine set 1", "submitted", True, "none"),
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_sets_of_several_hosts_have_names_of_their_own() -> None:
    assert of_engines("1", alone=False) == "engine set 1"
    assert of_engines("1", alone=True) == f"engine set 1 of pid {os.getpid()} on {socket.gethostname()}"


def test_the_same_step_again_is_not_noted_again(tmp_path: Path) -> None:
    notes = Steps(tmp_path / "steps", "engine set 1")
    for reason in ("Resources", "Resources", "Priority", "Resources"):
        notes.note(steps.QUEUED, words=reason)
    assert words(tmp_path / "steps") == ["Resources", "Priority", "Resources"]


def test_half_a_line_and_no_file_are_no_steps(tmp_path: Path) -> None:
    path = tmp_path / "steps"
    assert words(path) == []
    Steps(path, "controller").note(steps.LISTENS, words="port 1")
    with path.open("a") as file:
        file.write('{"at": 3, "who": "contr')
    assert words(path) == ["port 1"]


def test_notes_that_can_not_be_written_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    Steps(tmp_path / "file" / "steps", "controller").note(steps.LISTENS)
    Steps("", "controller").note(steps.LISTENS)


def test_a_new_start_keeps_the_steps_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "steps"
    for number in (1, 2, 3):
        begin(path)
        Steps(path, "host").note(steps.PROFILE, words=str(number))
    assert words(path) == ["3"]
    assert words(tmp_path / "steps.1") == ["2"]


def test_engines_by_themselves_begin_anew_after_a_while_unless_the_controller_is_here(tmp_path: Path) -> None:
    path, pid_file = tmp_path / "steps", tmp_path / "ipcluster.pid"
    Steps(path, "engine pid 7").note(steps.FILE)
    begin_if_old(path, unless=[pid_file])
    assert path.exists()
    os.utime(path, (0, 0))
    pid_file.touch()
    begin_if_old(path, unless=[pid_file])
    assert path.exists()
    pid_file.unlink()
    begin_if_old(path, unless=[pid_file])
    assert not path.exists()


def test_a_start_that_was_made_elsewhere_begins_anew_once(tmp_path: Path) -> None:
    """Whether each machine has a file of its own, or two of them share one, or all do."""
    owners, path = tmp_path / "owners", tmp_path / "steps"
    Steps(path, "host").note(steps.PROFILE, words="old")
    Steps(owners, "host").note(steps.PROFILE, words="new")
    first = first_line(owners)
    for host in ("node1", "node2"):
        begin_for(path, first)
        Steps(path, host).note(steps.SUBMITTED, words=host)
        begin_for(owners, first)
    assert words(path) == ["new", "node1", "node2"]
    assert words(tmp_path / "steps.1") == ["old"]
    assert words(owners) == ["new"]
    begin_for(path, first_line(tmp_path / "missing"))
    assert words(path) == ["new", "node1", "node2"]
