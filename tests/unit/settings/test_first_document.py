"""Every line of configuration in the document that IPython.parallel's users learnt from: taken, none is unknown."""

from __future__ import annotations

import logging
import socket

import pytest

from engineroom.settings.catalogue import FILES
from engineroom.settings.cluster import Cluster, IPClusterStart
from engineroom.settings.config_files import config_file
from engineroom.settings.controller import HeartMonitor, IPController
from engineroom.settings.databases import MongoDB, SQLiteDB
from engineroom.settings.engine import IPEngine
from engineroom.settings.launchers import PBSEngineSetLauncher, SSHControllerLauncher, SSHEngineSetLauncher
from engineroom.settings.option import OptionError, configured
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_application, read_config_files

CONTROLLER = """
c.HubFactory.ip = '*'
c.HubFactory.location = '10.0.1.5'
import socket
ex_ip = socket.gethostbyname_ex(socket.gethostname())[-1][0]
c.HubFactory.location = ex_ip
c.HubFactory.ssh_server = 'login.mycluster.net'
c.HubFactory.db_class = 'IPython.parallel.controller.dictdb.DictDB'
c.MongoDB.database = 'tasks'
c.SQLiteDB.table = 'tasks'
c.MongoDB.connection_args = []
c.MongoDB.connection_kwargs = {}
"""
ENGINE = """
c.MPI.use = 'mpi4py'
c.IPEngineApp.startup_script = u'/path/to/my/startup.py'
c.IPEngineApp.startup_command = 'import numpy, scipy, mpi4py'
c.IPEngineApp.work_dir = u'/path/to/scratch/'
"""
CLUSTER = """
import os
c.PBSEngineSetLauncher.batch_template_file = "pbs.engine.template"
c.PBSControllerLauncher.batch_template_file = "pbs.controller.template"
c.PBSLauncher.queue = 'veryshort.q'
c.IPClusterEngines.n = 64
c.IPClusterEngines.engine_launcher_class = 'SSHEngineSetLauncher'
c.IPClusterStart.controller_launcher_class = 'SSHControllerLauncher'
c.SSHControllerLauncher.hostname = 'controller.example.com'
c.SSHControllerLauncher.user = os.environ.get('USER','username')
c.SSHControllerLauncher.controller_args = ['--reuse', '--ip=*', '--profile-dir=/path/to/cd']
c.SSHEngineSetLauncher.engines = { 'host1.example.com' : 2,
'host2.example.com' : 5,
'host3.example.com' : (1, ['--profile-dir=/home/different/location']),
'host4.example.com' : 8 }
c.SSHEngineSetLauncher.engine_args = ['--profile-dir=/path/to/profile_ssh']
"""
LAUNCHERS = {
    "SSH": "SSH",
    "SSHEngineSetLauncher": "SSH",
    "IPython.parallel.apps.launcher.SSHEngineSetLauncher": "SSH",
    "MPIEngineSetLauncher": "MPI",
    "PBSEngineSetLauncher": "PBS",
    "IPython.parallel.apps.launcher.LocalEngineSetLauncher": "Local",
}


def write(profile: Profile, program: str, text: str) -> None:
    config_file(profile.path, program).write_text(text)


def test_the_controllers_file(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    write(profile, "ipcontroller", CONTROLLER)
    options = read_application(IPController, [])
    assert (options.ip, options.ssh_server, options.db_class) == ("*", "login.mycluster.net", "DictDB")
    assert options.location == socket.gethostbyname_ex(socket.gethostname())[-1][0]
    assert not any("is not an option" in line for line in caplog.messages)
    mongo, sqlite = configured(MongoDB, options.config), configured(SQLiteDB, options.config)
    assert (mongo.database, mongo.connection_args, mongo.connection_kwargs, sqlite.table) == ("tasks", [], {}, "tasks")


def test_the_engines_file(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    write(profile, "ipengine", ENGINE)
    options = read_application(IPEngine, [])
    assert (options.startup_script, options.work_dir) == ("/path/to/my/startup.py", "/path/to/scratch/")
    assert options.startup_command == "import numpy, scipy, mpi4py"
    assert not any("is not an option" in line for line in caplog.messages)


def test_the_clusters_file(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    write(profile, "ipcluster", CLUSTER)
    config = read_application(IPClusterStart, []).config
    cluster = configured(Cluster, config)
    assert (cluster.n, cluster.engine_launcher_class, cluster.controller_launcher_class) == (64, "SSH", "SSH")
    assert configured(SSHControllerLauncher, config).controller_args[0] == "--reuse"
    engines = configured(SSHEngineSetLauncher, config)
    assert engines.engines["host3.example.com"] == (1, ["--profile-dir=/home/different/location"])
    assert engines.engine_args == ["--profile-dir=/path/to/profile_ssh"]
    pbs = configured(PBSEngineSetLauncher, config)
    assert (pbs.batch_template_file, pbs.queue) == ("pbs.engine.template", "veryshort.q")
    assert not any("is not an option" in line for line in caplog.messages)


@pytest.mark.parametrize(("spelling", "name"), LAUNCHERS.items())
@pytest.mark.parametrize("option", ["engine_launcher_class", "engine_set_launcher_class", "engine_set_launcher"])
def test_every_name_of_a_launcher(option: str, spelling: str, name: str, profile: Profile) -> None:
    write(profile, "ipcluster", f"c.IPClusterEngines.{option} = {spelling!r}\n")
    assert configured(Cluster, read_application(IPClusterStart, []).config).engine_launcher_class == name


@pytest.mark.parametrize("database", ["dictdb.DictDB", "mongodb.MongoDB", "sqlitedb.SQLiteDB"])
def test_every_database(database: str, profile: Profile) -> None:
    write(profile, "ipcontroller", f"c.HubFactory.db_class = 'IPython.parallel.controller.{database}'\n")
    assert read_application(IPController, []).db_class == database.partition(".")[2]


def test_a_class_without_its_c(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    write(profile, "ipcontroller", "# in ipcontroller_config.py\nHubFactory.ip = '192.168.1.16'\n")
    assert read_application(IPController, []).ip == "192.168.1.16"
    assert any("write c.HubFactory; it is also accepted without the c." in line for line in caplog.messages)


def test_a_class_without_its_c_in_a_function_and_in_a_file_of_another_profile(
    profile: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    other = Profile.find("other")
    other.prepare()
    write(other, "ipcontroller", "HeartMonitor.period = 5\n")
    write(
        profile,
        "ipcontroller",
        "def choose():\n    IPController.ip = '*' if len('ab') == 2 else ''\nchoose()\n"
        "load_subconfig('ipcontroller_config.py', profile='other')\n"
        "load_subconfig('not_there.py')\n",
    )
    options = read_application(IPController, [])
    assert (options.ip, configured(HeartMonitor, options.config).period) == ("*", 5)
    assert sum("it is also accepted without the c." in line for line in caplog.messages) == 2


def test_names_of_the_files_own_count_more(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    write(
        profile,
        "ipengine",
        "from fractions import Fraction as MPI\nassert MPI(1, 2) * 2 == 1\nclass IPEngine: id = 3\n",
    )
    assert (read_application(IPEngine, []).use_mpi, caplog.messages) == ("", [])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("HubFactoy.ip = '*'", r"name 'HubFactoy' is not defined; did you mean c\.HubFactory\?"),
        ("MyOwn.ip = '*'", r"name 'MyOwn' is not defined\. Options have a c before them: write c\.MyOwn"),
        ("hub.ip = '*'", r"name 'hub' is not defined \(\w+_config\.py, line 1\)$"),
    ],
)
def test_what_is_no_class_with_options(line: str, words: str, profile: Profile) -> None:
    write(profile, "ipcontroller", line)
    with pytest.raises(OptionError, match=words):
        read_application(IPController, [])


def test_all_of_it_in_every_file_is_taken_without_surprise(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for program in FILES:
        write(profile, program, CONTROLLER + ENGINE + CLUSTER)
        read_config_files([config_file(profile.path, program)])
    assert not any("is not an option" in line for line in caplog.messages)
