"""The table of kinds of launchers: complete, and what its rows name is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from traitlets import Dict, Unicode
from traitlets.config import Config

from engineroom.cluster.launcher import (
    BaseLauncher,
    ControllerLauncher,
    EngineLauncher,
    LaunchError,
    LocalEngineSetLauncher,
    MPIEngineSetLauncher,
    SlurmEngineSetLauncher,
    SSHEngineSetLauncher,
)
from engineroom.cluster.launchers.choose import launcher_for
from engineroom.cluster.launchers.own import OwnLauncher
from engineroom.cluster.launchers.systems.registry import system_called
from engineroom.cluster.plan.no_effect import remarks
from engineroom.serialize.by_value.local_classes import pack_class, unpack_class
from engineroom.settings.cluster import Cluster
from engineroom.settings.engine_places import may_be_elsewhere
from engineroom.settings.file_sections import SECTIONS, _of_kinds
from engineroom.settings.launcher_kinds import KINDS, OWN, Kind, loaded
from engineroom.settings.launchers import LAUNCHER_CLASSES, LAUNCHERS
from engineroom.settings.own_classes import OwnClass

ROWS = [*KINDS.values(), OWN]


class Methods:
    """The four methods of a launcher, for classes to have."""

    def start(self, command: object) -> dict[str, object]: ...  # type: ignore[empty-body]
    def poll(self, handle: object) -> object: ...
    def signal(self, handle: object, signum: int) -> None: ...
    def stop(self, handle: object) -> None: ...


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.name)
def test_what_a_row_names_is_there(kind: Kind) -> None:
    columns = ("launcher", "engines", "controller", "dry_run", "stop_seconds", "count", "remarks", "shares")
    named = [getattr(kind, column) for column in columns]
    if kind.elsewhere not in {True, False}:
        named.append(kind.elsewhere)
    assert all(callable(loaded(path)) for path in named if path)
    assert not kind.system or system_called(kind.system)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_classes_with_options_have_the_row_that_names_them(kind: Kind) -> None:
    controller, engines = LAUNCHERS[kind.name]
    assert engines.launcher_kind is kind
    assert controller.launcher_kind.classes["controller"] == kind.classes["controller"]
    assert {controller.launcher_roles, engines.launcher_roles} == {frozenset({"controller"}), frozenset({"engine"})}
    assert {controller, engines} <= set(LAUNCHER_CLASSES)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_new_profile_shows_every_kind(kind: Kind) -> None:
    said = [line for section in SECTIONS["ipcluster"] for line in section.lines]
    assert kind.name in {"Local", "Batch"} or any(f"launcher_class = '{kind.name}'" in line for line in said)


@pytest.mark.parametrize("base", [SlurmEngineSetLauncher, SSHEngineSetLauncher, MPIEngineSetLauncher, EngineLauncher])
def test_methods_of_ones_own_count_more_than_the_parents_kind(base: type[BaseLauncher]) -> None:
    derived = type("Derived", (Methods, base), {})
    mixed_in_last = type("Last", (base, Methods), {})
    for cls in (derived, mixed_in_last, type("Child", (derived,), {})):
        kind = cls.launcher_kind  # type: ignore[attr-defined]
        assert isinstance(launcher_for(cls()), OwnLauncher)
        assert (kind.engines, kind.controller, kind.dry_run) == (OWN.engines, OWN.controller, OWN.dry_run)
        assert (kind.in_jobs, kind.ranks) == (base.launcher_kind.in_jobs, base.launcher_kind.ranks)


def test_a_class_without_methods_is_of_its_parents_kind() -> None:
    class Site(SlurmEngineSetLauncher):
        queue = "short"  # type: ignore[assignment]  # another default

    assert Site.launcher_kind is KINDS["Slurm"]


def test_a_row_of_ones_own_is_kept_by_derived_classes() -> None:
    class Near(Methods, EngineLauncher):
        launcher_kind: ClassVar[Kind] = Kind("Near", elsewhere=False)

    class Nearer(Near): ...

    assert Nearer.launcher_kind is Near.launcher_kind
    assert not may_be_elsewhere(OwnClass(Near), Config())


def test_a_row_that_makes_no_sense_is_told() -> None:
    with pytest.raises(TypeError, match=r"Odd\.launcher_kind must be a Kind, not 'MPI'"):
        type("Odd", (Methods, EngineLauncher), {"launcher_kind": "MPI"})
    for path in ("nowhere:at_all", "os:at_all", "os", ""):
        with pytest.raises(LaunchError, match=f"names '{path}', which cannot be loaded: "):
            loaded(path)


def test_one_class_for_both() -> None:
    class Both(EngineLauncher, ControllerLauncher): ...

    assert Both.launcher_roles == {"engine", "controller"}


def test_an_option_may_be_called_as_a_column() -> None:
    class Kinds(Methods, EngineLauncher):
        kind = Unicode("gpu").tag(config=True)
        shares, starts, no_effect = Dict().tag(config=True), Unicode().tag(config=True), Unicode().tag(config=True)

    made = Kinds(kind="cpu")
    assert (made.launcher_kind, made.launcher_roles) == (OWN, {"engine"})
    assert list(remarks(Cluster(), [made], Path())) == []


def test_engines_elsewhere_as_the_parent_has_it() -> None:
    class Here(LocalEngineSetLauncher): ...

    class World(MPIEngineSetLauncher): ...

    assert Here.launcher_kind.elsewhere is False
    assert World.launcher_kind is KINDS["MPI"]


def test_a_cluster_of_this_machine_loads_no_launcher(tmp_path: Path) -> None:
    code = """
import sys
from engineroom.cluster.commands.start import plan_of, read_options
plan = plan_of(read_options(["-n", "4"], with_controller=True), with_controller=True)
print(plan.n, sorted(name for name in sys.modules if name.endswith("settings.launchers") or ".launchers.ssh" in name))
"""
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert said.stdout == "4 []\n"


@pytest.mark.parametrize("base", [EngineLauncher, SlurmEngineSetLauncher, MPIEngineSetLauncher])
def test_a_class_that_was_made_here_takes_its_row_along(base: type[BaseLauncher]) -> None:
    class Local(Methods, base):  # type: ignore[valid-type, misc]  # whichever it is
        """One that cannot be imported."""

    class Told(Local):
        launcher_kind: ClassVar[Kind] = Kind("Told", elsewhere=False)

    for cls in (Local, Told):
        there = unpack_class(pack_class(cls))
        assert there.launcher_kind == cls.launcher_kind
        assert there.launcher_roles == cls.launcher_roles


def test_a_kind_without_a_section_of_its_own_gets_one() -> None:
    assert [section.title for section in _of_kinds(())] == [name for name in KINDS if name != "Batch"]
    assert all(section.lines and section.classes for section in _of_kinds(()))
