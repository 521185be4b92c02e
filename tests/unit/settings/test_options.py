"""Options from command lines and files: what is taken, and what is refused with which words."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from traitlets.config import Config

from engineroom.settings.cluster import Cluster, IPClusterList, IPClusterLogs, IPClusterStart, IPClusterStop
from engineroom.settings.command_line import as_arguments
from engineroom.settings.controller import HeartMonitor, IPController, TaskScheduler
from engineroom.settings.engine import IPEngine
from engineroom.settings.launchers import MPIEngineSetLauncher
from engineroom.settings.option import OptionError, PortList, configured
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_application

pytestmark = pytest.mark.usefixtures("profile")


@pytest.mark.parametrize("spelling", [["-n", "4"], ["-n4"], ["-n=4"], ["--n", "4"], ["--n=4"], ["--Cluster.n=4"]])
def test_spellings_of_n(spelling: list[str]) -> None:
    assert configured(Cluster, read_application(IPClusterStart, spelling).config).n == 4


@pytest.mark.parametrize(
    ("spelling", "daemonize"), [([], False), (["--daemonize"], True), (["--daemonize=False"], False)]
)
def test_a_switch_alone_and_with_a_value(spelling: list[str], *, daemonize: bool) -> None:
    assert read_application(IPClusterStart, spelling).daemonize is daemonize


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--deamonize"], r"unknown option --deamonize; did you mean --daemonize\?"),
        (["--Cluster.m=4"], r"Cluster.m is not an option; did you mean Cluster.n\?"),
        (["-n", "many"], "Cluster.n must be an int, not 'many'"),
        (["-n"], "^-n needs a value"),
        (["--ip", "--debug"], "^--ip needs a value"),
        (["--Cluster.delay"], "^--Cluster.delay needs a value"),
        (["-n", "-1"], "Cluster.n must be at least 0, not -1"),
        (["--ports"], "ports needs a value"),
        (["surplus"], "unexpected argument 'surplus'"),
        (["4"], r"unexpected argument '4' \(did you mean -n 4\?\)"),
        (["--ports=99999"], "ports such as 10101"),
        (["--scheme=fastest"], "leastload"),
        (["--config=missing.py"], "no such file: missing.py"),
    ],
)
def test_what_makes_no_sense_is_named(arguments: list[str], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        read_application(IPClusterStart, arguments)


def test_of_several_values_the_last_counts() -> None:
    assert read_application(IPController, ["--ip=a", "--IPController.ip=b", "--ip=c"]).ip == "c"
    assert configured(Cluster, read_application(IPClusterStart, ["-n", "2", "-n4"]).config).n == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["=['--hostfile', 'my machines']"], ["--hostfile", "my machines"]),
        (["=('--oversubscribe',)"], ["--oversubscribe"]),
        (["=--hostfile", "=machines"], ["--hostfile", "machines"]),
        (["=--oversubscribe"], ["--oversubscribe"]),
        (["=[x"], ["[x"]),
    ],
)
def test_lists_of_launchers(arguments: list[str], words: list[str]) -> None:
    app = read_application(IPClusterStart, [f"--MPILauncher.mpi_args{each}" for each in arguments])
    assert configured(MPIEngineSetLauncher, app.config).mpi_args == words


def test_options_as_arguments_for_a_program_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config(
        {"IPEngine": {"startup_script": "s.py", "timeout": 7}, "IPController": {"ports": (1, 2), "ip": None}}
    )
    arguments = as_arguments(config, "IPController", "IPEngine", "HeartMonitor")
    assert arguments == [
        "--IPController.ports=1,2",
        f"--IPEngine.startup_script={tmp_path}/s.py",
        "--IPEngine.timeout=7",
    ]
    assert read_application(IPController, arguments[:1]).ports == (1, 2)
    assert read_application(IPEngine, arguments[1:]).timeout == 7


def test_what_follows_the_dashes_is_for_the_controller() -> None:
    app = read_application(IPClusterStart, ["-n", "2", "--", "--reuse", "--nonsense"])
    assert app.after_dashes == ["--reuse", "--nonsense"]


def test_arguments_of_commands_that_take_some() -> None:
    assert read_application(IPClusterStop, ["a", "b", "--all"]).arguments == ["a", "b"]
    assert read_application(IPClusterLogs, ["-f", "3"]).arguments == ["3"]


def test_the_file_counts_less_than_the_command_line(profile: Profile) -> None:
    (profile.path / "ipcluster_config.py").write_text("c.Cluster.n = 3\nc.Cluster.controller_ip = '*'\n")
    options = configured(Cluster, read_application(IPClusterStart, ["-n", "2"]).config)
    assert (options.n, options.controller_ip) == (2, "*")


def test_a_file_that_fails_is_named_with_its_error(profile: Profile) -> None:
    path = profile.path / "ipcontroller_config.py"
    path.write_text("c.IPController.ip = undefined\n")
    with pytest.raises(OptionError, match=rf"{path}: NameError: .*undefined"):
        read_application(IPController, [])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("c.Cluster.n = 1\nimport sys\nsys.exit(4)\n", r"SystemExit: 4 \(ipcluster_config.py, line 3\)$"),
        ("raise SystemExit\n", r"SystemExit \(ipcluster_config.py, line 1\)$"),
        ("c.Cluster.engine_launcher_class = Slurm\n", r"not defined. Write text in quotes: 'Slurm' \(.*, line 1\)$"),
        ("\nc.Cluster.send_engines_connection_env = true\n", r"not defined; did you mean True\? \(.*, line 2\)$"),
    ],
)
def test_a_file_that_fails_is_named_with_the_line(profile: Profile, lines: str, words: str) -> None:
    path = profile.path / "ipcluster_config.py"
    path.write_text(lines)
    with pytest.raises(OptionError, match=f"^{path}: .*{words}"):
        read_application(IPClusterStart, [])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c.Cluster.n = 'many'", "Cluster.n must be an int, not 'many'"),
        ("c.IPClusterEngines.n = -1", "Cluster.n must be at least 0, not -1"),
        ("c.Cluster.controller_ip = 5", "Cluster.controller_ip must be a string, not 5"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_its_file(profile: Profile, line: str, words: str) -> None:
    path = profile.path / "ipcluster_config.py"
    path.write_text(line)
    with pytest.raises(OptionError, match=f"^{path}: {words}$"):
        read_application(IPClusterStart, ["--delay=1"])


def test_a_value_of_the_command_line_is_not_blamed_on_a_file(profile: Profile) -> None:
    (profile.path / "ipcluster_config.py").write_text("c.Cluster.n = 3")
    with pytest.raises(OptionError, match=r"^Cluster.n must be at least 0, not -1$"):
        read_application(IPClusterStart, ["-n=-1"])


def test_what_a_file_prints_is_not_the_answer_of_the_command(
    profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    (profile.path / "ipcluster_config.py").write_text("print('reading')")
    with pytest.raises(SystemExit):
        read_application(IPClusterStart, ["--show-config-json"])
    said = capsys.readouterr()
    assert json.loads(said.out) == {} and said.err.startswith("reading")


def test_only_we_speak_of_an_unknown_option(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    (profile.path / "ipcluster_config.py").write_text("c.Cluster.nn = 3")
    configured(Cluster, read_application(IPClusterStart, []).config)  # a warning of traitlets would be an error
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "Cluster.nn is not an option; did you mean Cluster.n?"
    ]


def test_an_unknown_option_in_a_file_is_a_warning(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    (profile.path / "ipengine_config.py").write_text("c.IPEngine.startup_comand = 'import os'\n")
    read_application(IPEngine, [])
    assert "did you mean IPEngine.startup_command?" in caplog.text


def test_options_of_the_controller() -> None:
    app = read_application(
        IPController, ["--ip=*", "--ports=10101-10103", "--location=10.0.0.1", "--reuse", "--ping=500", "--scheme=LRU"]
    )
    assert (app.ip, app.ports, app.location, app.reuse_files) == ("*", (10101, 10102, 10103), "10.0.0.1", True)
    assert configured(HeartMonitor, app.config).period == 500
    assert configured(TaskScheduler, app.config).scheme_name == "lru"


def test_options_of_an_engine() -> None:
    app = read_application(IPEngine, ["-c", "import os", "--file=x.json", "--log-level=debug", "--work-dir=/tmp"])
    assert (app.startup_command, app.url_file, app.log_level, app.work_dir) == (
        "import os",
        "x.json",
        logging.DEBUG,
        "/tmp",
    )


def test_a_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    app = read_application(IPController, ["--profile-dir=mine", "--work-dir=work"])
    app.enter_work_dir()
    assert (Path.cwd(), app.profile_directory.path) == (tmp_path / "work", tmp_path / "mine")
    with pytest.raises(OptionError, match=r"work_dir: .*work2.*Create that directory"):
        read_application(IPController, ["--work-dir=work2"]).enter_work_dir()


@pytest.mark.parametrize(
    ("flag", "level"), [("--debug", 10), ("--quiet", 40), ("--log-level=warning", 30), ("--log-level=10", 10)]
)
def test_how_much_is_logged(flag: str, level: int) -> None:
    assert read_application(IPEngine, [flag]).log_level == level


def test_output_formats() -> None:
    assert read_application(IPClusterList, ["-o", "JSON"]).output_format == "json"
    with pytest.raises(OptionError, match="text"):
        read_application(IPClusterList, ["-o", "yaml"])


@pytest.mark.parametrize(
    ("value", "ports"),
    [(10101, (10101,)), ("10101-10103", (10101, 10102, 10103)), ("7, 9", (7, 9)), ([7, "8-9"], (7, 8, 9)), ("", ())],
)
def test_ports(value: object, ports: tuple[int, ...]) -> None:
    assert IPController(config=Config({"IPController": {"ports": value}})).ports == ports
    assert isinstance(IPController.ports, PortList)


@pytest.mark.parametrize("flag", ["-h", "--help-all"])
def test_help_explains_and_ends(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        read_application(IPClusterStart, [flag])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "Usage: ipcluster start [options] [-- ipcontroller options]\n\nStart a controller and engines."
    )
    assert "Number of engines to start (default: one per core)." in text
