"""Help: one screen of what people use first, and every option once on the full page."""

from __future__ import annotations

import re
import shlex

import pytest

from engineroom.cli.ipcluster import main as ipcluster
from engineroom.settings import cluster, records
from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.controller import IPController
from engineroom.settings.engine import IPEngine
from engineroom.settings.help_page import first_page, full_page
from engineroom.settings.option import own_options
from engineroom.settings.reading import read_application, read_arguments

COMMANDS: list[type[BaseParallelApplication]] = [
    cluster.IPClusterStart,
    cluster.IPClusterEngines,
    cluster.IPClusterStop,
    cluster.IPClusterList,
    cluster.IPClusterClean,
    cluster.IPClusterLogs,
    cluster.IPClusterWhy,
    cluster.IPClusterConsole,
    cluster.IPClusterConfig,
    cluster.IPClusterProfile,
    records.IPClusterTasks,
    records.IPClusterAudit,
    IPController,
    IPEngine,
]
commands = pytest.mark.parametrize("cls", COMMANDS)


@commands
def test_the_first_page_is_one_screen(cls: type[BaseParallelApplication]) -> None:
    lines = first_page(cls()).splitlines()
    assert len(lines) <= 26
    assert max(map(len, lines)) <= 80


@commands
def test_the_first_page_is_what_h_prints(
    cls: type[BaseParallelApplication], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        read_application(cls, ["-h"])
    assert end.value.code == 0
    assert capsys.readouterr().out == first_page(cls()) + "\n"


@commands
def test_its_examples_are_options_that_work(cls: type[BaseParallelApplication]) -> None:
    assert 1 <= len(cls.first) <= 10
    for example in cls.first:
        app = cls()
        read_arguments(app, [] if "config=" in example else shlex.split(example))
        said = {name for values in app.cli_config.values() for name in values}
        assert said.isdisjoint(cls.no_effect), example


@commands
def test_every_option_is_on_the_full_page_once(cls: type[BaseParallelApplication]) -> None:
    app = cls()
    text = full_page(app)
    for option_class in {*app.with_bases(), *app.option_classes}:
        for name, trait, _ in own_options(option_class):
            if name in app.no_effect or str(trait.help).startswith("Ignored"):
                continue
            assert len(re.findall(rf"--{option_class.__name__}\.{name}=", text)) == 1
    paragraphs = [line for line in text.splitlines() if line.startswith("-")]
    assert len(paragraphs) == len(set(paragraphs))


@commands
def test_what_does_nothing_says_so(cls: type[BaseParallelApplication], caplog: pytest.LogCaptureFixture) -> None:
    app = cls()
    first, _, ignored = full_page(app).partition("without effect here:")
    for name in app.no_effect:
        flag = f"--{name.replace('_', '-').replace('config-file', 'config')}"
        assert not re.search(rf"^{flag}\b", first, re.MULTILINE)
        assert flag in ignored
    if "work_dir" in app.no_effect:
        read_arguments(app, ["--work-dir=/tmp"])
        assert f"work_dir has no effect with `{app.command()}`" in caplog.text


def test_the_number_of_engines_comes_first() -> None:
    assert [line for line in first_page(cluster.IPClusterStart()).splitlines() if "-" in line][1].startswith("  -n 4 ")


def test_a_flag_that_two_classes_claim_belongs_to_one() -> None:
    lines = full_page(cluster.IPClusterStart()).splitlines()
    assert "--ip=TEXT, --Cluster.controller_ip=TEXT" in lines
    assert "--IPController.ip=TEXT" in lines


def test_the_commands_are_listed_on_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert ipcluster(["-h"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("  start ") for line in lines)
