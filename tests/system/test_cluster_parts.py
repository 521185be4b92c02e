"""A cluster from Python part by part, and what users of ipyparallel expect of it."""

from __future__ import annotations

import inspect
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from traitlets import Int
from traitlets.config import Config, Configurable

from engineroom import Client, Cluster, LaunchError
from engineroom.cluster import ClusterManager
from engineroom.cluster.launcher import LocalControllerLauncher, LocalEngineSetLauncher, MPIEngineSetLauncher
from engineroom.errors import ConnectionFileError
from engineroom.settings.option import OptionError, keywords
from engineroom.settings.profiles import Profile
from tests.conftest import wait_until
from tests.patience import SECONDS


def test_the_controller_first_then_the_engines(profile: Profile) -> None:
    cluster = Cluster(n=3)
    assert repr(cluster) == f"<Cluster(cluster_id='{cluster.cluster_id}', profile='default', n=3, controller=None)>"
    cluster.start_controller_sync()
    try:
        assert cluster.n == 3
        with pytest.raises(RuntimeError, match="already running"):
            cluster.start_controller_sync()
        first = cluster.start_engines_sync()
        with cluster.connect_client_sync() as rc:
            rc.wait_for_engines(3, timeout=SECONDS)
            third = rc._session.engines.instance(2)
            cluster.restart_engine_sync(0)
            cluster.signal_engine_sync("SIGTERM", 2)
            assert wait_until(lambda: 2 not in rc.ids or rc._session.engines.instance(2) != third)
            cluster.stop_engine_sync(1)
            with pytest.raises(IndexError):
                cluster.stop_engine_sync(17)
            assert 0 in rc.ids and 1 not in rc.ids
        more = cluster.start_engines_sync(1)
        assert f"controller=<running>, engine_sets=['{first}', '{more}'])" in repr(cluster)
        for act in (
            cluster.stop_engines_sync,
            cluster.restart_engines_sync,
            lambda name: cluster.signal_engines_sync(2, name),
        ):
            with pytest.raises(KeyError) as caught:
                act("nosuch")
            assert isinstance(caught.value, LaunchError)
            assert str(caught.value) == f"there is no engine set 'nosuch'; the sets are: {first}, {more}"
    finally:
        cluster.stop_controller_sync()
    assert cluster.controller is None
    cluster.stop_controller_sync()
    assert (cluster.running, cluster.ended, cluster.controller) == (False, True, None)
    assert "controller=None" in repr(cluster)
    cluster.start_cluster_sync(1)
    cluster.stop_cluster_sync()


def test_a_launcher_is_the_class_whatever_it_was_set_to(profile: Profile) -> None:
    for engines in ("MPI", "mpi", "MPIEngineSetLauncher", MPIEngineSetLauncher):
        assert Cluster(engines=engines).engine_launcher_class is MPIEngineSetLauncher
        assert Cluster(engine_launcher_class=engines).engine_launcher_class is MPIEngineSetLauncher
    cluster = Cluster()
    assert cluster.engine_launcher_class is LocalEngineSetLauncher
    assert cluster.controller_launcher_class is LocalControllerLauncher
    cluster.engine_launcher_class = "MPI"
    assert cluster.engine_launcher_class is MPIEngineSetLauncher


def test_a_launcher_made_in_a_function_is_taken(profile: Profile, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    class Marking(LocalEngineSetLauncher):
        level = Int(1).tag(config=True)
        engine_args = (f"--IPEngine.startup_command=open({str(mark)!r}, 'a').write('x')",)

    config = Config({"Marking": {"level": 3}})
    cluster = Cluster(n=2, engines=Marking, config=config)
    assert cluster.engine_launcher_class is Marking
    with cluster as rc:
        assert rc.ids == [0, 1]
        assert mark.read_text() == "xx"


def test_a_launcher_of_a_script_is_taken(profile: Profile, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import engineroom\n"
        "from engineroom.cluster.launcher import LocalEngineSetLauncher\n"
        "GREETING = 'hello'\n"
        "class Mine(LocalEngineSetLauncher):\n"
        "    def __init__(self, **options):\n"
        "        super().__init__(**options)\n"
        "        self.engine_args = [f'--IPEngine.startup_command=greeting={GREETING!r}']\n"
        "with engineroom.Cluster(n=1, engines=Mine) as rc:\n"
        "    print(rc[0]['greeting'])\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (ran.stdout, ran.stderr) == ("hello\n", "")


def test_a_log_and_a_parent_are_taken(profile: Profile) -> None:
    class App(Configurable):
        pass

    parent = App(config=Config({"Cluster": {"n": 7}}))
    cluster = Cluster(log=logging.getLogger("mine"), parent=parent, send_engines_connection_env=True)
    assert cluster.n == 7
    assert Cluster(parent=parent, n=2).n == 2


def test_options_in_json_count_more_than_those_in_python(profile: Profile) -> None:
    profile.prepare()
    (profile.path / "ipcluster_config.py").write_text("c.Cluster.n = 2\nc.Cluster.delay = 0.5\n")
    (profile.path / "ipcluster_config.json").write_text(json.dumps({"Cluster": {"n": 5}, "version": 1}))
    assert (Cluster().n, Cluster().delay, Cluster(load_profile=False).n) == (5, 0.5, None)
    (profile.path / "ipcluster_config.json").write_text("{")
    with pytest.raises(OptionError, match=r"ipcluster_config\.json: "):
        Cluster()


def test_every_option_is_an_argument_with_a_name() -> None:
    arguments = inspect.signature(Cluster).parameters
    # Flags of commands are no arguments.
    hidden = {"ip", "location", "restart-engines", "restart-controller", "engine-memory-limit", "resources", "tags"}
    assert set(keywords(Cluster)) - hidden <= set(arguments)
    for name in ("n", "engines", "controller", "profile", "cluster_id", "engine_timeout", "log", "parent"):
        assert arguments[name].annotation != "Any"
        assert name in str(Cluster.__init__.__doc__)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_workers": 2}, "Cluster has no option 'n_workers'; use n=2"),
        ({"processes": 4}, "Cluster has no option 'processes'; use n=4"),
        ({"name": "lab"}, "Cluster has no option 'name'; use cluster_id='lab'"),
        ({"memory_limit": "2GiB"}, "Cluster has no option 'memory_limit'; use engine_memory_limit='2GiB'"),
        ({"engine_timout": 4}, "Cluster has no option 'engine_timout'; did you mean engine_timeout?"),
        ({"frobnicate": 4}, "Cluster has no option 'frobnicate'"),
    ],
)
def test_options_of_other_systems_are_explained(options: dict[str, object], words: str) -> None:
    with pytest.raises(OptionError) as caught:
        Cluster(**options)  # type: ignore[arg-type]
    assert str(caught.value) == words


def test_a_manager_keeps_keys_apart_and_forgets_what_has_ended(profile: Profile) -> None:
    manager = ClusterManager()
    key, cluster = manager.new_cluster(cluster_id="one", n=1)
    assert (key, manager.clusters) == ("default:one", {key: cluster})
    with pytest.raises(KeyError, match="default:one"):
        manager.new_cluster(cluster_id="one")
    assert manager.load_clusters() == {key: cluster}, "it may still be started"
    cluster.start_cluster_sync()
    try:
        found = ClusterManager().load_clusters(profiles=["default", "other"])
        assert list(found) == ["default:one"]
        assert ClusterManager().load_clusters(profiles=["other"]) == {}
        assert manager.load_clusters()[key] is cluster
    finally:
        cluster.stop_cluster_sync()
    assert manager.load_clusters(profile="default") == {}
    assert list(manager.load_clusters(profile="default", init_default_clusters=True)) == ["default:"]
    for ask in (manager.get_cluster, manager.remove_cluster):
        with pytest.raises(KeyError, match="there is no cluster 'default:one'; the clusters are: default:"):
            ask("default:one")
    with pytest.raises(ConnectionFileError):
        Client(cluster_id="one", timeout=0)
