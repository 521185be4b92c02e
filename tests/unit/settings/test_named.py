"""Launchers and databases, by every name that users have for them."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from engineroom.settings.cluster import Cluster, IPClusterStart
from engineroom.settings.controller import IPController
from engineroom.settings.launchers import LAUNCHERS
from engineroom.settings.option import OptionError, configured
from engineroom.settings.reading import read_application

pytestmark = pytest.mark.usefixtures("profile")


class DictDB:
    """A class of that name that is not ours."""


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("DictDB", "DictDB"),
        ("dictdb", "DictDB"),
        ("IPython.parallel.controller.dictdb.DictDB", "DictDB"),
        ("ipyparallel.controller.dictdb.DictDB", "DictDB"),
        ("NoDB", "NoDB"),
        ("IPython.parallel.controller.dictdb.NoDB", "NoDB"),
    ],
)
def test_databases(spelling: str, name: str) -> None:
    assert configured(IPController, Config({"IPController": {"db_class": spelling}})).db_class == name
    assert read_application(IPController, [f"--HubFactory.db_class={spelling}"]).db_class == name


@pytest.mark.parametrize(("flag", "name"), [("--dictdb", "DictDB"), ("--nodb", "NoDB")])
def test_databases_by_flag(flag: str, name: str) -> None:
    assert read_application(IPController, [flag]).db_class == name


@pytest.mark.parametrize(
    "spelling",
    [
        "--sqlitedb",
        "--mongodb",
        "--IPController.db_class=sqlitedb",
        "--HubFactory.db_class=IPython.parallel.controller.sqlitedb.SQLiteDB",
        "--HubFactory.db_class=IPython.parallel.controller.mongodb.MongoDB",
        "--IPController.db_class=ipyparallel.controller.mongodb.MongoDB",
    ],
)
def test_a_database_that_is_not_built_yet(spelling: str) -> None:
    with pytest.raises(OptionError, match=r"database .* is not available yet; the choices are DictDB, NoDB"):
        read_application(IPController, [spelling])


@pytest.mark.parametrize("spelling", ["Shelf", "mine.DictDB", DictDB])
def test_a_database_that_nobody_knows(spelling: object) -> None:
    with pytest.raises(OptionError, match="does not exist; the choices are DictDB, NoDB"):
        configured(IPController, Config({"IPController": {"db_class": spelling}}))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        *[(spelling, "Local") for spelling in ("Local", "local", "LocalEngineSetLauncher", "LocalEngineLauncher")],
        ("IPython.parallel.apps.launcher.LocalEngineSetLauncher", "Local"),
        ("ipyparallel.apps.launcher.LocalEngineSetLauncher", "Local"),
        ("ipyparallel.cluster.launcher.LocalEngineSetLauncher", "Local"),
        *[(spelling, "SSH") for spelling in ("SSH", "ssh", "SSHEngineSetLauncher")],
        *[(spelling, "MPI") for spelling in ("mpi", "MPIExec", "MPIExecEngineSetLauncher")],
        *[(spelling, "WindowsHPC") for spelling in ("WinHPC", "WindowsHPC", "WindowsHPCEngineSetLauncher")],
        ("IPython.parallel.apps.launcher.PBSEngineSetLauncher", "PBS"),
        ("mine.Launcher", "mine.Launcher"),
    ],
)
def test_launchers_of_engines(spelling: str, name: str) -> None:
    app = read_application(IPClusterStart, [f"--engines={spelling}"])
    assert configured(Cluster, app.config).engine_launcher_class == name


@pytest.mark.parametrize("flag", ["--engines=LocalControllerLauncher", "--engines=Slurn", "--controller=SSHEngines"])
def test_launchers_that_are_not_there(flag: str) -> None:
    with pytest.raises(OptionError, match="does not exist; the choices are Local, SSH, MPI"):
        read_application(IPClusterStart, [flag])


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_launcher_by_its_class(name: str) -> None:
    controllers, engines = LAUNCHERS[name]
    assert Cluster(engine_launcher_class=engines).engine_launcher_class == name
    assert Cluster(engine_launcher_class=engines.__name__).engine_launcher_class == name
    by_class = Cluster(controller_launcher_class=controllers).controller_launcher_class
    assert by_class == ("SSH" if name == "SSHProxy" else name)
