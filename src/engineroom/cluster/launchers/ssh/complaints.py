"""What is wrong with an ssh connection, in words, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from engineroom.cluster.launchers.ssh.command import NO_PYTHON, NO_SCRIPT
from engineroom.cluster.launchers.ssh.python import NONE_FITS, TRIED
from engineroom.machine.exits import cause_of
from engineroom.machine.logs import last_said
from engineroom.trail.steps import IMPORTS, INTERPRETER, REACHED

_SSH_FAILED = 255


class Problem(NamedTuple):
    """`step`: the one that failed; `words`: what is wrong; `fix`: what to do; `passing`: it may work in a moment."""

    step: str
    words: str
    fix: str
    passing: bool = False

    def __str__(self) -> str:
        return f"{self.words}. {self.fix}" if self.fix else self.words


class _Known(NamedTuple):
    """What ssh says of a problem, as a regular expression; the rest is as a `Problem` has it."""

    pattern: str
    words: str
    fix: str
    passing: bool = False


_BY_SSH = (
    _Known(
        r"could not resolve hostname|name or service not known",
        "there is no machine of that name",
        "Check its name in c.SSHEngineSetLauncher.engines and in ~/.ssh/config",
    ),
    _Known(
        r"remote host identification has changed",
        "its host key is another one than ssh knows",
        "If it was set up anew, remove the old key by `ssh-keygen -R {host}` and log in once by `{login}`",
    ),
    _Known(
        r"host key verification failed|no .* host key is known",
        "ssh does not know its host key",
        "Log in once by hand, `{login}`, and confirm the key",
    ),
    _Known(
        r"permission denied|too many authentication failures|no supported authentication",
        "the login was refused",
        (
            "Nobody is asked for a password here: put a key there by `ssh-copy-id {target}`, load it by `ssh-add`, "
            "and see that `ssh -o BatchMode=yes {target} true` works. If it asks for more than a key, log in by hand "
            "with a ControlMaster in ~/.ssh/config, which is then used"
        ),
    ),
    _Known(
        r"connection refused",
        "nothing listens on its ssh port",
        "See that sshd runs there, on that port: [user@]host[:port]",
    ),
    _Known(
        r"timed out|no route to host|network is unreachable|host is down",
        "it can't be reached",
        "See that it is up, and that `{login}` works from here",
    ),
    _Known(
        r"(connection|banner).*(closed|reset)|kex_exchange",
        "its sshd closed the connection",
        "Its sshd may allow fewer connections at a time (MaxStartups), or none from here: try `{login}`",
        passing=True,
    ),
    _Known(
        r"cannot execute command-line and remote command",
        "~/.ssh/config has a RemoteCommand for it",
        "Add '-o', 'RemoteCommand=none' to c.SSHLauncher.ssh_args",
    ),
    _Known(r"bad configuration option|unknown option|bad owner or permissions", "ssh's configuration is wrong", ""),
)

_BY_PYTHON = (
    (
        r"unknown option: -P",
        INTERPRETER,
        "Python there ({python}) is older than 3.11",
        "Name a newer one in c.SSHLauncher.remote_python",
    ),
    (
        r"no module named '?engineroom'?($|[^.\w])",
        IMPORTS,
        "Python there ({python}) has no engineroom",
        "Install it there, or name the Python that has it in c.SSHLauncher.remote_python (or an environment_script)",
    ),
    (
        r"no module named '?engineroom\.",
        IMPORTS,
        "Python there ({python}) has another version of engineroom, without remote hosts; here it is {version}",
        "Install the same version there",
    ),
    (
        r"modulenotfounderror|importerror",
        IMPORTS,
        "engineroom can't be imported by Python there ({python})",
        "Try `{login} {python} -c 'import engineroom'`",
    ),
)


def problem_of(
    code: int, said: Sequence[str], *, target: str, reached: bool, python: str, script: str, version: str
) -> Problem:
    """Return why an ssh connection to `target` ended with the exit `code` before a remote host was there.

    `said`: the last lines of its stderr; `reached`: the shell there said that it runs.
    """
    text = "\n".join(said)
    place = {
        "target": target,
        "host": target.rpartition("@")[2],
        "login": f"ssh {target}",
        "python": python,
        "version": version,
    }
    if code == _SSH_FAILED and not reached:
        return _of_ssh(text, place)
    if code == NONE_FITS and any(line.startswith(TRIED) for line in said):
        return _none_fits(said, place)
    if code == NO_PYTHON:
        fix = "Name it in c.SSHLauncher.remote_python: a path, or a name on the PATH that `{login} env` shows"
        return Problem(INTERPRETER, f"there is no {python} there", fix.format(**place))
    if script and code in {NO_SCRIPT, 1, 2}:
        words = f"its environment_script {script} failed: {last_said(said) or 'it can not be read'}"
        return Problem(INTERPRETER, words, "")
    for pattern, step, words, fix in _BY_PYTHON:
        if re.search(pattern, text, re.IGNORECASE | re.MULTILINE):
            return Problem(step, f"{words.format(**place)} ({last_said(said)})", fix.format(**place))
    ended = f"the connection ended ({cause_of(code)})" + (f": {last_said(said)}" if said else "")
    return Problem(IMPORTS if reached else REACHED, ended, "")


def _none_fits(said: Sequence[str], place: dict[str, str]) -> Problem:
    """Return that none of several Pythons there has engineroom of our version: each with its reason."""
    told = next(line for line in said if line.startswith(TRIED)).removeprefix(TRIED)
    reasons: dict[str, list[str]] = {}
    for each in told.split("; "):
        python, _, reason = each.partition(": ")
        reasons.setdefault(reason, []).append(python)
    words = "; ".join(f"{reason}: {', '.join(pythons)}" for reason, pythons in reasons.items())
    step = INTERPRETER if set(reasons) == {"not found"} else IMPORTS
    return Problem(
        step,
        f"no Python there can import engineroom {place['version']} ({words})",
        "Install it there, or name the Python that has it in c.SSHLauncher.remote_python (or an environment_script)",
    )


def _of_ssh(text: str, place: dict[str, str]) -> Problem:
    for known in _BY_SSH:
        if re.search(known.pattern, text, re.IGNORECASE):
            words = f"{known.words} ({last_said(text.splitlines())})"
            return Problem(REACHED, words, known.fix.format(**place), known.passing)
    words = f"ssh failed: {last_said(text.splitlines()) or 'it said nothing'}"
    return Problem(REACHED, words, f"See that `ssh -o BatchMode=yes {place['target']} true` works")
