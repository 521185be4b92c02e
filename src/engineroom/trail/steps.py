"""The steps of a start, as breadcrumbs: each process of a cluster notes how far it came, so that `why` can be answered.

`log/steps-ID.jsonl` in the profile has a line of JSON for each; all processes that can write there append to it. No
secret is ever in a step.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from engineroom.machine.own_files import append_to

PROFILE = "profile"
SUBMITTED = "submitted"
QUEUED = "queued"
REACHED = "reached"
INTERPRETER = "interpreter"
IMPORTS = "imports"
STARTUP = "startup"
LISTENS = "listens"
FILE = "file"
ADDRESS = "address"
HANDSHAKE = "handshake"
REGISTERED = "registered"
ENDED = "ended"

ORDER = (
    PROFILE,
    SUBMITTED,
    QUEUED,
    REACHED,
    INTERPRETER,
    IMPORTS,
    STARTUP,
    LISTENS,
    FILE,
    ADDRESS,
    HANDSHAKE,
    REGISTERED,
    ENDED,
)
"""The steps of one start, in the order in which they are made.

The profile can be written to; handed to a launcher; waiting there; on the machine; a Python found; engineroom imported,
in versions that fit; the user's start-up code run; the controller listens; the connection file read; each address
tried; let in; registered with an id. `ENDED`: with `ok`, because somebody wanted it; else by itself.
"""

_OLD = 600.0
"""Seconds after which engines that start by themselves have nothing to do with those before."""

HOST, CONTROLLER, SPAWNER = "host", "controller", "spawner"
"""`who` of the process that looks after a cluster, of its controller, and of the parent of its engines. A set of
engines is "engine set 1", one engine "engine 3" or, before it has an id, "engine pid 4711 on node7"."""


def of_engines(name: str, *, alone: bool) -> str:
    """Return `who` of the set of engines `name`. `alone`: its host has no controller, so that others call theirs so."""
    who = f"engine set {name}".rstrip()
    return f"{who} of pid {os.getpid()} on {socket.gethostname()}" if alone else who


def is_one_engine(who: str) -> bool:
    """Return whether `who` is a single engine that has come so far as to have an id, or a process."""
    return who.startswith("engine ") and not who.startswith("engine set ")


class Step(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One step. `at`: seconds since 1970; `who`: "controller", "engine set 1", "engine pid 4711 on node7"; `ok`: it was
    made; `words`: the facts, or what is wrong; `fix`: what to do about that; `n`: how many engines a set is to have."""

    at: float
    who: str
    step: str
    ok: bool = True
    words: str = ""
    fix: str = ""
    n: int = 0


class Steps:
    """Where one process notes its steps; with "" for a path, nowhere."""

    def __init__(self, path: str | os.PathLike[str], who: str) -> None:
        self.path, self._who = os.fspath(path), who
        self._last: tuple[str, str, bool, str] | None = None

    def note(self, step: str, *, ok: bool = True, words: str = "", fix: str = "", who: str = "", n: int = 0) -> None:
        """Append a step, unless it is the same again."""
        who = who or self._who
        if not self.path or self._last == (who, step, ok, words):
            return
        self._last = (who, step, ok, words)
        noted = Step(at=round(time.time(), 3), who=who, step=step, ok=ok, words=words, fix=fix, n=n)
        _append(self.path, msgspec.json.encode(noted))


def _append(path: str | os.PathLike[str], line: bytes) -> None:
    try:
        descriptor = append_to(path)
        try:
            os.write(descriptor, line + b"\n")  # one write: lines of several processes do not mix
        finally:
            os.close(descriptor)
    except OSError:
        return  # a full disk must not stop what can do without these notes


def begin(path: str | os.PathLike[str]) -> None:
    """Have the file begin anew, for a new start; what an earlier one left is kept as `path`.1."""
    path = os.fspath(path)
    try:
        os.replace(path, f"{path}.1")
    except OSError:
        return  # there is none; or nothing can be written there, which others say


def begin_if_old(path: str | os.PathLike[str], *, unless: Iterable[Path]) -> None:
    """As `begin`, for engines whose controller is elsewhere: any number of them start, each by itself.

    Not if one of the files `unless` exists: then the controller is here, and its start is told of.
    """
    try:
        old = time.time() - os.stat(path).st_mtime > _OLD
    except OSError:
        return
    if old and not any(each.exists() for each in unless):
        begin(path)


def first_line(path: str | os.PathLike[str]) -> str:
    """Return the line of the first step in the file at `path`, by which its start is known; "" if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def begin_for(path: str | os.PathLike[str], first: str) -> None:
    """As `begin`, with `first` as the first line, for a start that was made on another machine; "": not known.

    Not if that line is there: then the file is that machine's own, or another one that shares it has begun it.
    """
    if not first or first_line(path) == first:
        return
    begin(path)
    _append(path, first.encode())


def read_steps(path: str | os.PathLike[str]) -> Iterator[Step]:
    """Yield the steps in the file at `path`, oldest first; lines that are half there are left out."""
    decode = msgspec.json.Decoder(Step).decode
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield decode(line)
        except msgspec.MsgspecError:
            continue
