"""Messages that signal, end and restart engines."""

from __future__ import annotations

from typing import Annotated

from engineroom.protocol.calls import Header
from engineroom.protocol.ranges import EngineId, Fewer, Instance, Number, Signum, Text


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


class RestartProcesses(Header, frozen=True, tag="restart_processes"):
    """Controller to host: end these engines and start them again."""

    instances: Annotated[tuple[Instance, ...], Fewer]
