"""Every name that an option has had, on command lines, in files and in Python."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets import Unicode
from traitlets.config import Config, Configurable

from engineroom.cluster.cluster import Cluster as PythonCluster
from engineroom.cluster.plan.making import host_plan
from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.catalogue import CLASSES
from engineroom.settings.cluster import Cluster, IPClusterEngines, IPClusterStart, IPClusterStop
from engineroom.settings.controller import IPController
from engineroom.settings.engine import IPEngine
from engineroom.settings.launchers import LAUNCHERS
from engineroom.settings.old_names import old_names
from engineroom.settings.option import OptionError, configured, option, spellings_of
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_application

pytestmark = pytest.mark.usefixtures("profile")

ENGINES = "IPython.parallel.apps.launcher.LocalEngineSetLauncher"
ITS_CONTROLLER = "IPython.parallel.apps.launcher.LocalControllerLauncher"

CONTROLLER = [
    ("HubFactory.ip", "*", "ip", "*"),
    ("HubFactory.location", "10.0.1.5", "location", "10.0.1.5"),
    ("HubFactory.ssh_server", "login.mycluster.net", "ssh_server", "login.mycluster.net"),
    ("HubFactory.engine_ssh_server", "user@node1", "engine_ssh_server", "user@node1"),
    ("HubFactory.regport", 10101, "ports", (10101,)),
    ("IPController.regport", 10101, "ports", (10101,)),
    ("HubFactory.db_class", "IPython.parallel.controller.dictdb.DictDB", "db_class", "DictDB"),
    ("IPControllerApp.reuse_files", True, "reuse_files", True),
    ("IPControllerApp.location", "10.0.1.5", "location", "10.0.1.5"),
    ("IPControllerApp.engine_json_file", "mine.json", "engine_json_file", "mine.json"),
    ("IPControllerApp.log_to_file", True, "log_to_file", True),
    ("BaseIPythonApplication.cluster_id", "x", "cluster_id", "x"),
]
CLUSTER = [
    ("IPClusterEngines.n", 64, "n", 64),
    ("IPClusterStart.n", 64, "n", 64),
    ("IPClusterEngines.engine_launcher_class", "Local", "engine_launcher_class", "Local"),
    ("IPClusterStart.engine_launcher_class", "LocalEngineSetLauncher", "engine_launcher_class", "Local"),
    ("IPClusterEngines.engine_set_launcher_class", ENGINES, "engine_launcher_class", "Local"),
    ("IPClusterEngines.engine_set_launcher", "local", "engine_launcher_class", "Local"),
    ("IPClusterEngines.engine_launcher", "local", "engine_launcher_class", "Local"),
    ("IPClusterStart.controller_launcher_class", ITS_CONTROLLER, "controller_launcher_class", "Local"),
    ("IPClusterStart.controller_launcher", "LocalControllerLauncher", "controller_launcher_class", "Local"),
    ("IPClusterStart.controller_ip", "*", "controller_ip", "*"),
]
ENGINE = [
    ("IPEngineApp.startup_script", "/path/to/my/startup.py", "startup_script", "/path/to/my/startup.py"),
    ("IPEngineApp.startup_command", "import numpy", "startup_command", "import numpy"),
    ("IPEngineApp.work_dir", "/path/to/scratch/", "work_dir", "/path/to/scratch/"),
    ("IPEngineApp.url_file", "/there.json", "url_file", "/there.json"),
    ("EngineFactory.timeout", 7, "timeout", 7),
    ("EngineFactory.sshserver", "my.login.node", "sshserver", "my.login.node"),
    ("EngineFactory.sshkey", "/keys/id", "sshkey", "/keys/id"),
    ("EngineFactory.location", "10.0.1.5", "location", "10.0.1.5"),
    ("IPEngine.registration_url", "tcp://10.0.1.5:9", "url", "tcp://10.0.1.5:9"),
    ("IPEngine.wait_for_url_file", 7, "timeout", 7),
]
EVERY = [
    *((IPController, IPController, *case) for case in CONTROLLER),
    *((IPClusterStart, Cluster, *case) for case in CLUSTER),
    *((IPEngine, IPEngine, *case) for case in ENGINE),
]
every = pytest.mark.parametrize(("app", "cls", "old", "given", "name", "value"), EVERY, ids=[each[2] for each in EVERY])


@every
def test_on_the_command_line(
    app: type[BaseParallelApplication],
    cls: type[Configurable],
    old: str,
    given: Any,
    name: str,
    value: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    read = read_application(app, [f"--{old}={given}"])
    assert getattr(configured(cls, read.config), name) == value
    [remark] = caplog.messages
    assert remark.startswith(f"{old} is an old name: it is now ")
    assert remark.endswith(f".{name}")


@every
def test_in_a_file(
    app: type[BaseParallelApplication],
    cls: type[Configurable],
    old: str,
    given: Any,
    name: str,
    value: Any,
    profile: Profile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = profile.path / f"{app.config_name}_config.py"
    path.write_text(f"c.{old} = {given!r}\n")
    assert getattr(configured(cls, read_application(app, []).config), name) == value
    [remark] = caplog.messages
    assert remark.startswith(f"{path}: {old} is an old name: it is now ")


@pytest.mark.parametrize(("old", "given", "name", "value"), CLUSTER)
def test_in_python(old: str, given: Any, name: str, value: Any, caplog: pytest.LogCaptureFixture) -> None:
    section, _, option = old.partition(".")
    config = Config({section: {option: given}})
    found = getattr(PythonCluster(config=config, load_profile=False), name)
    assert found == value or found in LAUNCHERS.get(value, ())  # a Cluster has the class of a launcher
    assert config == Config({section: {option: given}})
    assert len(caplog.messages) == 1


def test_in_the_files_that_a_cluster_reads_for_others(profile: Profile) -> None:
    (profile.path / "ipcontroller_config.py").write_text("c.HubFactory.ip = '*'\n")
    (profile.path / "ipengine_config.py").write_text("c.IPEngineApp.startup_command = 'import os'\n")
    config = Config({"Cluster": {"n": 1}})
    plan = host_plan(Cluster(config=config), profile=profile, cluster_id="", log_level="INFO")
    assert plan.controller is not None
    assert (plan.controller.ip, plan.engine.startup_command) == ("*", "import os")


def test_names_as_arguments_in_python() -> None:
    cluster = PythonCluster(engines="local", controller=ITS_CONTROLLER, n=3)
    assert (cluster.controller_launcher_class, cluster.engine_launcher_class) == LAUNCHERS["Local"]
    assert cluster.n == 3
    with pytest.raises(OptionError, match=r"Cluster has no option 'engine_timout'; did you mean engine_timeout\?"):
        PythonCluster(engine_timout=3)


def test_a_cluster_of_the_users_own_has_options_of_its_own() -> None:
    class Mine(PythonCluster):
        colour = option(Unicode(""), "c")

    assert Mine(c="red", ip="*").colour == "red"
    assert Mine(config=Config({"Cluster": {"n": 3}, "Mine": {"colour": "blue"}})).n == 3


def test_n_of_the_command_line_counts_more_than_that_of_the_file(profile: Profile) -> None:
    (profile.path / "ipcluster_config.py").write_text("c.IPClusterEngines.n = 64\n")
    assert configured(Cluster, read_application(IPClusterStart, ["-n", "128"]).config).n == 128
    assert PythonCluster(n=2).n == 2
    assert PythonCluster().n == 64


@pytest.mark.parametrize(
    ("lines", "n"),
    [
        ("c.IPClusterEngines.n = 1; c.IPClusterStart.n = 2", 2),
        ("c.IPClusterStart.n = 2; c.IPClusterEngines.n = 1", 2),
        ("c.IPClusterStart.n = 2; c.Cluster.n = 3", 3),
    ],
)
def test_which_of_several_names_counts(lines: str, n: int, profile: Profile) -> None:
    (profile.path / "ipcluster_config.py").write_text(lines)
    assert configured(Cluster, read_application(IPClusterStart, []).config).n == n


def test_a_name_of_today_is_no_old_one() -> None:
    assert not {old for old, _ in old_names(CLASSES)}.intersection(spellings_of(CLASSES))


@pytest.mark.parametrize(
    ("app", "arguments", "named"),
    [
        (IPController, ["--HubFactory.mux=(1, 2)", "--HubFactory.iopub=(3, 4)"], "HubFactory.mux, HubFactory.iopub"),
        (IPController, ["--HubFactory.task=(1, 2)", "--IPController.control=(3, 4)"], "HubFactory.task"),
        (IPController, ["--IPController.enable_curve=True", "--Session.key=x"], "Session.key"),
        (IPController, ["--transport=ipc", "--hwm", "3", "--usethreads"], "IPController.transport"),
        (IPController, ["--IPControllerApp.log_url=tcp://x"], "IPControllerApp.log_url"),
        (IPEngine, ["--secure", "--ident=x", "--url", "tcp://x:1"], "Session.key, Session.session"),
        (IPEngine, ["--IPEngineApp.curve_serverkey=x"], "IPEngineApp.curve_serverkey"),
        (IPClusterStart, ["--IPClusterEngines.early_shutdown=1"], "IPClusterEngines.early_shutdown"),
        (IPClusterStart, ["--IPClusterStart.reset=True"], "IPClusterStart.reset"),
        (IPClusterStop, ["--signal=2"], "IPClusterStop.signal"),
    ],
)
def test_what_has_no_meaning_is_ignored_and_named_once(
    app: type[BaseParallelApplication], arguments: list[str], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    read_application(app, arguments)
    [remark] = caplog.messages
    assert remark.startswith("ignored, because it has no meaning here: ")
    assert named in remark


def test_a_file_for_zeromq(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    (profile.path / "ipcontroller_config.py").write_text("c.HubFactory.mux = (1, 2)\nc.IPController.hb = (3, 4)\n")
    read_application(IPController, [])
    [remark] = caplog.messages
    assert remark.endswith("no meaning here: HubFactory.mux, IPController.hb")


def test_files_of_other_commands_are_no_surprise(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    (profile.path / "ipcluster_config.py").write_text("c.Cluster.n = 3\nc.IPClusterStart.daemonize = False\n")
    read_application(IPClusterStop, [])
    read_application(IPClusterEngines, [])
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("old", "words"),
    [
        ("HubFactory.ipp", r"HubFactory.ipp is not an option; did you mean IPController.ip\?"),
        ("IPControllerApp.reuse_file", r"did you mean IPController.reuse_files\?"),
        ("IPController.locaton", r"did you mean IPController.location\?"),
    ],
)
def test_a_slip_in_an_old_name(old: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        read_application(IPController, [f"--{old}=x"])


def test_the_value_of_an_old_name_may_be_added_to(profile: Profile) -> None:
    (profile.path / "ipcluster_config.py").write_text("c.IPClusterStart.controller_args.append('--reuse')\n")
    assert PythonCluster().controller_args == ["--reuse"]
