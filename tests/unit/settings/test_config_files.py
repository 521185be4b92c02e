"""The files of a new profile: every option in them works once its # is removed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engineroom.settings.catalogue import CLASSES, FILES
from engineroom.settings.cluster import Cluster, IPClusterConfig
from engineroom.settings.config_files import config_file, config_text, write_config_file
from engineroom.settings.controller import IPController
from engineroom.settings.effective import effective_options
from engineroom.settings.engine import IPEngine
from engineroom.settings.file_sections import SECTIONS
from engineroom.settings.launchers import LAUNCHER_CLASSES
from engineroom.settings.option import names_in, spellings_of
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_arguments, read_config_files

programs = pytest.mark.parametrize("program", FILES)


@programs
def test_nothing_is_set(program: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert write_config_file(tmp_path, program)
    assert not read_config_files([config_file(tmp_path, program)])
    assert caplog.messages == []


@programs
def test_every_option_can_be_set(program: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = config_file(tmp_path, program)
    path.write_text(re.sub(r"(?m)^# (?=c\.\w+\.\w+ = )", "", config_text(program)))
    names = names_in(read_config_files([path]))
    assert len(names) >= 10
    assert set(names) <= set(spellings_of(CLASSES))
    assert caplog.messages == []


@programs
def test_every_option_is_explained(program: str) -> None:
    lines = config_text(program).splitlines()
    typical = {line for section in SECTIONS[program] for line in section.lines}
    for number, line in enumerate(lines):
        if re.match(r"# c\.\w+\.\w+ = ", line) and line[2:] not in typical:
            block = lines[:number][::-1]
            assert block[: block.index("")][-1].startswith("## "), line
    assert max(map(len, lines)) <= 100
    assert len(lines) < 400


def test_every_option_is_somewhere() -> None:
    files = "".join(map(config_text, FILES))
    for cls in (*LAUNCHER_CLASSES, Cluster, IPController, IPEngine):
        for name, trait in cls.class_own_traits(config=True).items():
            if trait.metadata.get("in_files") and not str(trait.help).startswith("Ignored"):
                assert f"# c.{cls.__name__}.{name} = " in files


def test_what_a_file_of_the_cluster_says() -> None:
    text = config_text("ipcluster")
    assert (
        "## Number of engines to start (default: one per core). On the command line: -n\n# c.Cluster.n = None\n" in text
    )
    assert "# Earlier names of Cluster, which still work: IPClusterStart, IPClusterEngines." in text
    pbs = text[text.index("\n# PBS\n") : text.index("\n# SGE\n")]
    assert "# c.Cluster.engine_launcher_class = 'PBS'" in pbs
    assert "# c.PBSEngineSetLauncher.batch_template_file = 'pbs.engine.template'" in pbs


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    path = config_file(tmp_path, "ipengine")
    path.write_text("mine")
    assert not write_config_file(tmp_path, "ipengine")
    assert path.read_text() == "mine"
    assert write_config_file(tmp_path, "ipengine", overwrite=True)
    assert path.read_text() != "mine"


def sources(*arguments: str) -> dict[str, tuple[object, str]]:
    app = IPClusterConfig()
    read_arguments(app, arguments)
    return {each.name: (each.value, each.source) for each in effective_options(app)}


def test_where_each_value_comes_from(profile: Profile) -> None:
    for program, line in {
        "ipcluster": "c.IPClusterEngines.n = 3; c.Cluster.delay = 0.5; c.Cluster.controller_args = ['--location=here']",
        "ipcontroller": "c.HubFactory.ip = '*'; c.IPController.ports = 7; c.IPController.location = 'there'",
        "ipengine": "c.IPEngineApp.work_dir = '/tmp'",
    }.items():
        config_file(profile.path, program).write_text(line)
    found = sources("-n", "2", "--ip=127.0.0.1", "--ping=500", "--", "--ports=8")
    assert found["Cluster.n"] == (2, "command line")
    assert found["Cluster.delay"] == (0.5, str(profile.path / "ipcluster_config.py"))
    assert found["Cluster.engine_timeout"] == (60, "default")
    assert found["HeartMonitor.period"] == (500, "command line")
    assert found["IPController.ip"] == ("127.0.0.1", "Cluster.controller_ip")
    assert found["IPController.ports"] == ((8,), "command line")
    assert found["IPController.location"] == ("here", "Cluster.controller_args")
    assert found["IPEngine.work_dir"] == ("/tmp", str(profile.path / "ipengine_config.py"))
    assert "IPController.work_dir" not in found


def test_what_a_launcher_tells_its_controller() -> None:
    arguments = "--MPIControllerLauncher.controller_args=--location=there"
    assert sources("--controller=MPI", arguments)["IPController.location"] == (
        "there",
        "MPIControllerLauncher.controller_args",
    )


def test_files_of_the_profile_alone(profile: Profile) -> None:
    path = config_file(profile.path, "ipcontroller")
    path.write_text("c.HubFactory.ip = '*'")
    assert sources()["IPController.ip"] == ("*", str(path))
