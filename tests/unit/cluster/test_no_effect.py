"""Options that do nothing with the launcher that is chosen: each is told, once, with what to do instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from engineroom.cluster.plan.no_effect import remarks
from engineroom.settings.cluster import Cluster
from engineroom.settings.launcher_classes import launcher_class
from engineroom.settings.launchers import PBSEngineSetLauncher
from engineroom.settings.option import configured


def said(engines: str, profile_dir: Path = Path(), **config: Any) -> list[str]:
    """Return what is said of `config` where `engines` start engines and the controller is here."""
    options = configured(Cluster, Config(config))
    launchers = [
        configured(launcher_class("Local", controller=True), options.config),
        configured(launcher_class(engines, controller=False), options.config),
    ]
    return [line.partition(" has no effect: ")[0] for line in dict.fromkeys(remarks(options, launchers, profile_dir))]


@pytest.mark.parametrize(
    ("engines", "section", "option", "value"),
    [
        ("Local", "LocalProcessLauncher", "poll_seconds", 1),
        ("MPI", "MPILauncher", "poll_seconds", 1),
        ("SSH", "SSHLauncher", "scp_cmd", ["scp"]),
        ("SSH", "SSHEngineSetLauncher", "to_fetch", [("a", "b")]),
        ("SSH", "SSHEngineSetLauncher", "hostname", "node1"),
        ("HTCondor", "HTCondorLauncher", "queue", "short"),
        ("HTCondor", "HTCondorEngineSetLauncher", "queue", "short"),
        ("WindowsHPC", "WindowsHPCLauncher", "output_limit", 1),
    ],
)
def test_an_option_that_does_nothing(engines: str, section: str, option: str, value: object) -> None:
    assert said(engines, **{section: {option: value}}) == [f"{section}.{option}"]


@pytest.mark.parametrize(
    ("engines", "section", "option", "value"),
    [
        ("Local", "LocalEngineSetLauncher", "stop_seconds_until_kill", 1),
        ("Local", "SSHLauncher", "scp_cmd", ["scp"]),
        ("SSH", "BaseLauncher", "output_limit", 1),
        ("SSH", "SSHLauncher", "to_fetch", [("a", "b")]),
        ("PBS", "PBSLauncher", "queue", "short"),
    ],
)
def test_one_that_does_something_or_is_for_others(engines: str, section: str, option: str, value: object) -> None:
    assert said(engines, **{section: {option: value}}) == []


def test_fields_that_a_template_has_no_place_for(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("#PBS -q {queue}\n#PBS -l walltime={timelimit or '1:00'}\nipengine\n")
    options = {"queue": "short", "timelimit": 30, "account": "physics", "batch_template_file": "mine"}
    assert said("PBS", tmp_path, PBSLauncher=options) == ["PBSEngineSetLauncher.account"]
    assert said("PBS", tmp_path, PBSLauncher={**options, "batch_template_file": "elsewhere"}) == []


def test_what_only_some_engines_have() -> None:
    options = {"split": True, "restart_dead_engines": True}
    assert said("PBS", Cluster=options) == ["Cluster.restart_dead_engines"]
    assert said("MPI", Cluster=options) == ["Cluster.restart_dead_engines", "Cluster.split"]
    assert said("Local", Cluster=options) == ["Cluster.split"]


def test_what_subclasses_could_set_once() -> None:
    class Mine(PBSEngineSetLauncher):
        job_array_regexp = "#PBS -J"
        default_template = "#PBS -N x"

    lines = list(remarks(Cluster(), [Mine()], Path()))
    assert sorted(line.partition(" has")[0] for line in lines) == ["Mine.default_template", "Mine.job_array_regexp"]
