"""Launchers and databases, by every name that users have for them."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from engineroom.settings.cluster import Cluster, IPClusterStart
from engineroom.settings.controller import IPController
from engineroom.settings.launchers import LAUNCHERS
from engineroom.settings.option import OptionError, configured
from engineroom.settings.reading import read_application
from tests.store.conftest import ListStore

pytestmark = pytest.mark.usefixtures("profile")


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("DictDB", "DictDB"),
        ("dictdb", "DictDB"),
        ("IPython.parallel.controller.dictdb.DictDB", "DictDB"),
        ("ipyparallel.controller.dictdb.DictDB", "DictDB"),
        ("NoDB", "NoDB"),
        ("IPython.parallel.controller.dictdb.NoDB", "NoDB"),
        ("nodb", "NoDB"),
        ("SQLiteDB", "SQLiteDB"),
        ("sqlitedb", "SQLiteDB"),
        ("IPython.parallel.controller.sqlitedb.SQLiteDB", "SQLiteDB"),
        ("ipyparallel.controller.sqlitedb.SQLiteDB", "SQLiteDB"),
        ("engineroom.store.sqlite.store.SQLiteStore", "SQLiteDB"),
        ("mongodb", "MongoDB"),
        ("IPython.parallel.controller.mongodb.MongoDB", "MongoDB"),
        ("ipyparallel.controller.mongodb.MongoDB", "MongoDB"),
    ],
)
def test_databases(spelling: str, name: str) -> None:
    assert configured(IPController, Config({"IPController": {"db_class": spelling}})).db_class == name
    assert read_application(IPController, [f"--HubFactory.db_class={spelling}"]).db_class == name


@pytest.mark.parametrize("name", ["DictDB", "NoDB", "SQLiteDB", "MongoDB"])
def test_databases_by_flag(name: str) -> None:
    assert read_application(IPController, [f"--{name.lower()}"]).db_class == name


@pytest.mark.parametrize("spelling", ["Shelf", "IPython.parallel.controller.shelf.Shelf", "engineroom.store.Shelf"])
def test_a_database_that_nobody_knows(spelling: object) -> None:
    with pytest.raises(OptionError, match="does not exist; the choices are DictDB, SQLiteDB, MongoDB, NoDB"):
        configured(IPController, Config({"IPController": {"db_class": spelling}}))


@pytest.mark.parametrize("spelling", ["mine.Shelf", ListStore])
def test_a_database_of_the_users_own(spelling: object) -> None:
    path = spelling if isinstance(spelling, str) else "tests.store.conftest.ListStore"
    assert configured(IPController, Config({"IPController": {"db_class": spelling}})).db_class == path


def test_a_database_of_the_users_own_is_in_a_module() -> None:
    class Shelf:
        pass

    with pytest.raises(OptionError, match=r"the controller can't import .*Shelf\. Put the class into a module"):
        configured(IPController, Config({"IPController": {"db_class": Shelf}}))


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


def test_a_launcher_that_is_no_name_at_all() -> None:
    with pytest.raises(OptionError, match="the launcher of engines '3' does not exist"):
        configured(Cluster, Config({"Cluster": {"engine_launcher_class": 3}}))
