"""What ssh is told, and what its failures mean."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engineroom.cluster.launchers.ssh.command import place_in, place_of, shell_line, ssh_argv
from engineroom.cluster.launchers.ssh.complaints import Problem, problem_of
from engineroom.cluster.ssh.far.options import layered
from engineroom.settings.engine import IPEngine
from engineroom.settings.launchers import SSHControllerLauncher, SSHEngineSetLauncher, SSHLauncher
from engineroom.trail.steps import IMPORTS, INTERPRETER, REACHED

Done = subprocess.CompletedProcess[str]


def test_what_the_user_says_comes_first_and_so_wins() -> None:
    launcher = SSHEngineSetLauncher(ssh_cmd=["myssh"], ssh_args=["-F", "file"])
    argv = ssh_argv(launcher, place_of("me@host:22"))
    assert argv[:3] == ["myssh", "-F", "file"]
    assert argv[-8:-1] == ["-T", "-l", "me", "-p", "22", "--", "host"]
    assert "BatchMode=yes" in argv


def test_hostname_and_user_or_location() -> None:
    for options in ({"hostname": "host", "user": "me"}, {"location": "me@host"}, {"location": "me@host", "user": "x"}):
        place = place_in(SSHControllerLauncher(**options))
        assert (place.host, place.user) == ("host", "me")


def run_as_there(
    launcher: SSHLauncher, tmp_path: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the remote command as an sshd would, with a python3 that shows what it got."""
    python = tmp_path / "python3"
    python.write_text('#!/bin/sh\necho "$A|$B|$C|$*"; cat\n')
    python.chmod(0o755)
    command = ssh_argv(launcher, place_of("host"))[-1]
    line = shell_line(launcher, "engines", environment, version="1.0").decode()
    return subprocess.run(
        ["sh", "-c", command],
        input=f"{line}the rest\n",
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_shell_there_starts_python_and_leaves_it_the_rest(tmp_path: Path) -> None:
    done = run_as_there(
        SSHLauncher(remote_python="python3"), tmp_path, {"A": "it's; $HOME", "B": "two\nlines", "not a name": "x"}
    )
    assert done.stdout.splitlines()[2:] == [
        "it's; $HOME|||-P -m engineroom.cluster.ssh.far.process engines",
        "the rest",
    ]


def test_a_script_there_is_read_first(tmp_path: Path) -> None:
    (tmp_path / "my env").write_text("export C=from-script\n")
    launcher = SSHLauncher(environment_script="~/my env", remote_python="~/python3")
    assert "||from-script|-P" in run_as_there(launcher, tmp_path, {}).stdout


@pytest.mark.parametrize(
    ("options", "code"), [({"remote_python": "/no/python"}, 127), ({"environment_script": "~/none"}, 126)]
)
def test_what_is_missing_there_is_told_by_the_exit_code(tmp_path: Path, options: dict[str, str], code: int) -> None:
    done = run_as_there(SSHLauncher(**options), tmp_path, {})
    assert done.returncode in {code, 2, 1}
    assert "the rest" not in done.stdout


def problem(code: int, said: str, *, reached: bool = False, script: str = "") -> Problem:
    return problem_of(
        code, said.splitlines(), target="me@host", reached=reached, python="python3", script=script, version="1.0"
    )


@pytest.mark.parametrize(
    ("said", "words", "fix"),
    [
        ("ssh: Could not resolve hostname x: Name or service not known", "no machine of that name", "~/.ssh/config"),
        ("Host key verification failed.", "does not know its host key", "`ssh me@host`"),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "its host key is another one",
            "ssh-keygen -R host",
        ),
        ("me@host: Permission denied (publickey,password).", "the login was refused", "ssh-copy-id me@host"),
        ("ssh: connect to host x port 22: Connection refused", "nothing listens on its ssh port", "sshd"),
        ("ssh: connect to host x port 22: Connection timed out", "it can't be reached", "`ssh me@host`"),
        ("ssh: connect to host x port 22: No route to host", "it can't be reached", "`ssh me@host`"),
        (
            "kex_exchange_identification: Connection closed by remote host",
            "its sshd closed",
            "MaxStartups",
        ),
        ("Cannot execute command-line and remote command.", "has a RemoteCommand", "RemoteCommand=none"),
        ("Connection timed out during banner exchange", "it can't be reached", "`ssh me@host`"),
        ("something new", "ssh failed: something new", "BatchMode=yes me@host true"),
        ("", "ssh failed: it said nothing", "BatchMode=yes"),
    ],
)
def test_what_ssh_says_is_said_in_words_with_a_fix(said: str, words: str, fix: str) -> None:
    found = problem(255, said)
    assert found.step == REACHED
    assert words in found.words
    assert fix in found.fix


@pytest.mark.parametrize(
    ("code", "said", "step", "words"),
    [
        (127, "", INTERPRETER, "there is no python3 there"),
        (2, "Unknown option: -P", INTERPRETER, "older than 3.11"),
        (1, "ModuleNotFoundError: No module named 'engineroom'", IMPORTS, "has no engineroom"),
        (1, "/usr/bin/python3: No module named engineroom.cluster.ssh.far.process", IMPORTS, "another version"),
        (1, "ModuleNotFoundError: No module named 'msgspec'", IMPORTS, "can't be imported"),
        (3, "Killed", IMPORTS, "the connection ended (exit code 3): Killed"),
    ],
)
def test_what_is_wrong_there_is_said_in_words(code: int, said: str, step: str, words: str) -> None:
    found = problem(code, said, reached=True)
    assert found.step == step
    assert words in found.words


def test_a_script_that_fails_is_named() -> None:
    assert "environment_script ~/x failed: sh: 1" in problem(2, "sh: 1: .: can't open ~/x", script="~/x").words


def test_what_a_user_says_for_a_machine_counts_more_than_what_we_say_for_all(tmp_path: Path) -> None:
    (tmp_path / "ipengine_config.py").write_text("c.IPEngine.startup_command = 'from_file'\nc.IPEngine.timeout = 5\n")
    usual = ["--profile-dir=/no/such", "--IPEngine.startup_command=usual", "--IPEngine.timeout=6"]
    options = layered(IPEngine, usual, [f"--profile-dir={tmp_path}", "--c=mine"])
    assert (options.profile_directory.path, options.startup_command, options.timeout) == (tmp_path, "mine", 6)
    assert layered(IPEngine, ["--profile-dir=/no/such"], ["--profile=x"]).profile_directory.name == "x"
    assert layered(IPEngine, [f"--profile-dir={tmp_path}"], []).startup_command == "from_file"
