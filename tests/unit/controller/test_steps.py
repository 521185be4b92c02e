"""Who is refused at the controller's door is noted, until it has been corrected."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path

import pytest

from engineroom.controller.config import ControllerConfig
from engineroom.controller.steps import Door, known_steps
from engineroom.protocol.questions import KnownSteps
from engineroom.settings.profiles import Profile
from engineroom.trail.first_failure import failures
from engineroom.trail.steps import read_steps


@pytest.fixture
def config(tmp_path: Path) -> ControllerConfig:
    Profile(tmp_path).prepare()
    return ControllerConfig(security_dir=str(tmp_path / "security"))


def noted(config: ControllerConfig) -> list[str]:
    return [str(each) for each in failures(read_steps(Profile(Path(config.security_dir).parent).steps_file()))]


def test_an_engine_that_was_refused_is_named_until_one_from_there_is_let_in(config: ControllerConfig) -> None:
    door = Door(config)
    door.refused("engine", "10.0.0.3", "you speak protocol 9.0")
    assert noted(config) == ["an engine at 10.0.0.3: you speak protocol 9.0"]
    door.let_in("engine", "10.0.0.4")
    assert noted(config)
    door.let_in("engine", "10.0.0.3")
    assert noted(config) == []


def test_clients_have_no_part_in_the_start(config: ControllerConfig) -> None:
    Door(config).refused("client", "10.0.0.3", "wrong key")
    assert known_steps(config) == KnownSteps()


def test_that_there_is_no_room_is_noted_when_no_more_files_may_be_open_until_there_is(config: ControllerConfig) -> None:
    door = Door(config)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 5, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        door.full()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)
    (words,) = noted(config)
    assert f"its limit of {highest + 5} open files" in words
    door.has_room()
    assert noted(config) == []
    door.close()


def test_a_crowd_can_not_fill_the_disk(config: ControllerConfig) -> None:
    door = Door(config)
    for _ in range(500):
        door.full()
        door.has_room()
    assert len(known_steps(config).steps) == 100
    door.close()


def test_strangers_can_not_fill_the_disk(config: ControllerConfig) -> None:
    door = Door(config)
    for number in range(500):
        door.refused("engine", f"10.0.0.{number}", "wrong key")
    assert len(known_steps(config).steps) == 100
