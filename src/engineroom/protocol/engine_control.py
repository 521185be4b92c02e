"""Messages that signal, end and restart engines, and what hosts say of theirs."""

from __future__ import annotations

from typing import Annotated

from engineroom.protocol.calls import Header
from engineroom.protocol.ranges import (
    EngineId,
    Engines,
    Fewer,
    Instance,
    Names,
    Number,
    Ordinal,
    Signum,
    Size,
    TaskId,
    Text,
    Word,
)

Attempts = Annotated[tuple[tuple[TaskId, Ordinal], ...], Fewer]
"""Pairs of a task and one of its attempts."""


class Signal(Header, frozen=True, tag="signal"):
    """Send the signal `signum` to these engines' processes. Also host to controller, about its own engines.

    `number`: of the question that the sender's `Answer` belongs to, 0 if it wants none; a host gets none. A SIGINT for
    an engine that has not begun with what was sent to it interrupts the first of that when it begins.
    """

    engines: Annotated[tuple[EngineId, ...], Fewer]
    signum: Signum
    number: Number = 0


class Shutdown(Header, frozen=True, tag="shutdown"):
    """End these engines (None: none) and, with `controller`, the controller. Also controller to engine or host, and
    host to controller, about engines alone."""

    engines: Annotated[tuple[EngineId, ...], Fewer] | None = None
    controller: bool = False
    reason: Text = ""


class Restart(Header, frozen=True, tag="restart"):
    """Have the hosts of these engines end them and start them again. `number`: of the question that the sender's
    `Answer` belongs to; its error says why none of them are restarted."""

    engines: Annotated[tuple[EngineId, ...], Fewer]
    number: Number


class SignalProcess(Header, frozen=True, tag="signal_process"):
    """Controller to host: signal the process of this engine."""

    instance: Instance
    signum: Signum


class ListNames(Header, frozen=True, tag="list_names"):
    """A client asks an engine which names begin with `text`; see `questions.AskNames`."""

    number: Number
    text: Word


class NamesListed(Header, frozen=True, tag="names_listed"):
    """An engine's answer to `ListNames` with this `number`. `memory`: bytes that its process takes, 0: unknown."""

    number: Number
    names: Names = ()
    memory: Number = 0


class RestartProcesses(Header, frozen=True, tag="restart_processes"):
    """Controller to host: end these engines and start them again."""

    instances: Annotated[tuple[Instance, ...], Fewer]


class EngineExited(Header, frozen=True, tag="exited"):
    """An engine's process has ended; `cause` in words.

    `own`: by its own doing (it exited, crashed or ran out of memory), not by a signal from outside or because it was
    told to. `running`: the (task, attempt) pairs that it ran then, None if the host can't tell.
    `words`: what it wrote last and where its log is, for whoever waits for those; a few lines.
    """

    instance: Instance
    cause: Text
    own: bool = False
    running: Attempts | None = None
    words: Text = ""


class Coming(Header, frozen=True, tag="coming"):
    """Host to controller: `engines` that it has started, or is about to start, and that have not joined yet.

    `returning`: how many of them have been here before, and keep their ids. `restarts`: whether it starts engines
    again that die. Sent whenever one of these changes, ahead of the news of an engine's end.
    """

    engines: Engines = 0
    returning: Engines = 0
    restarts: bool = False


class Full(Header, frozen=True, tag="full"):
    """The engine keeps `kept` bytes of results and output that were not acknowledged, more than its `limit`, and starts
    nothing; with 0 bytes: it goes on."""

    kept: Size = 0
    limit: Size = 0
