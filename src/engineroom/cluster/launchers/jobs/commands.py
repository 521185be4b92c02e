"""Commands of a batch system: run without blocking, and their failures in words."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shlex
import signal
from collections.abc import Sequence
from shutil import which
from typing import NamedTuple

from engineroom.errors import LaunchError

SECONDS = 60.0
"""How long one command may take: a busy scheduler answers late."""


_DIES_WITHIN = 2.0


class CommandTookTooLong(LaunchError):
    """Nobody knows whether it did what it was to do."""


class Said(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    output: str
    errors: str

    @property
    def words(self) -> str:
        """What it complains of, on one line."""
        return " ".join((self.errors or self.output).split()) or f"exit code {self.code}"


_OUR_LANGUAGE = {"LC_ALL": "C", "LANGUAGE": ""}


async def run(argv: Sequence[str], *, stdin: str = "", seconds: float = SECONDS, as_user: bool = False) -> Said:
    """Run `argv`, and have it read `stdin`; LaunchError: it is not there, or does not end.

    `as_user`: with the environment as it is, because jobs may inherit it; otherwise it speaks a language that we read.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(os.environ) if as_user else {**os.environ, **_OUR_LANGUAGE},
            start_new_session=True,  # Ctrl-C is for us: a command that is cut short may have done its work or not
        )
    except OSError as error:
        nowhere = os.sep not in argv[0] and which(argv[0]) is None
        why = "no directory of $PATH has it" if nowhere else error.strerror or error
        raise LaunchError(f"{argv[0]} can't be run: {why}") from error
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(stdin.encode() or None)
    except TimeoutError:
        raise CommandTookTooLong(f"`{shlex.join(argv)}` did not end within {seconds:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with what a wrapper of the site's has started
            with contextlib.suppress(TimeoutError):  # not even that ends who waits for a file system that is gone
                async with asyncio.timeout(_DIES_WITHIN):
                    await process.wait()
    assert process.returncode is not None
    return Said(process.returncode, output.decode(errors="replace"), errors.decode(errors="replace"))


def cancelling(words: Sequence[str], jobs: Sequence[str]) -> list[list[str]]:
    """Return the commands that cancel `jobs`: one for all of them, or one for each if `words` has a place for it."""
    if any("{job}" in word for word in words):
        return [with_jobs(words, [job]) for job in jobs]
    return [[*words, *jobs]]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # nobody knows the name: batch systems take the number as well
        return str(os.getuid())


def with_jobs(words: Sequence[str], jobs: Sequence[str]) -> list[str]:
    """Return a command with the ids of jobs where it has `{jobs}` (commas between) and `{job}` (a word each).

    `{user}` is who we are.
    """
    argv: list[str] = []
    for word in words:
        if word == "{user}":
            argv.append(_user())
        elif "{job}" in word:
            argv += [word.replace("{job}", job) for job in jobs]
        else:
            argv.append(word.replace("{jobs}", ",".join(jobs)))
    return argv
