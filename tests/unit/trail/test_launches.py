"""What a process is told of its start, and how it finds its profile by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.ids import new_instance
from engineroom.trail.launches import Launch, parse_launch

HOST = new_instance()


@pytest.mark.parametrize(
    "launch",
    [
        Launch(HOST),
        Launch(HOST, "1"),
        Launch(HOST, "1", "lab"),
        Launch(HOST, "1", "", "/home/me/.ipython/profile_my cluster"),
        Launch(HOST, "", "lab", "/home/me"),
        Launch(HOST, "1", "", r"C:\Users\me"),
    ],
)
def test_what_is_told_is_understood(launch: Launch) -> None:
    assert parse_launch(str(launch)) == launch


@pytest.mark.parametrize("text", ["", "/1", "nonsense/1"])
def test_what_says_nothing_is_nothing(text: str) -> None:
    assert parse_launch(text) is None


def test_a_command_that_names_no_profile_gets_that_of_its_cluster(tmp_path: Path) -> None:
    launch = Launch(HOST, "1", "", str(tmp_path))
    assert launch.with_profile(["--log-to-file"]) == [f"--profile-dir={tmp_path}", "--log-to-file"]
    for said in (["--profile=mine"], ["--profile", "mine"], ["profile=mine"], ["--ProfileDir.location=/mine"]):
        assert launch.with_profile(said) == said


def test_a_profile_that_is_not_on_this_machine_is_not_named(tmp_path: Path) -> None:
    assert Launch(HOST, "1", "", str(tmp_path / "elsewhere")).with_profile(["-h"]) == ["-h"]
    assert Launch(HOST, "1").with_profile([]) == []
