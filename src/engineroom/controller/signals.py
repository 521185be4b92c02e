"""Sends signals to engines: through the host that started them, or directly on this machine."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable

from engineroom.controller.links import Link, Links
from engineroom.controller.sight import pid_of
from engineroom.ids import Instance
from engineroom.machine.signals import signal_number
from engineroom.protocol.messages import Answer, Signal, SignalProcess
from engineroom.protocol.texts import brief

log = logging.getLogger(__name__)


class Signals:
    """Does what Signal messages want.

    `interrupt(engine_id)` has what an engine was sent, and has not begun with, interrupted when it begins; False: there
    is no such thing, and the signal itself is what is needed.
    """

    def __init__(self, links: Links, interrupt: Callable[[int], bool]) -> None:
        self._links, self._interrupt = links, interrupt

    def take(self, link: Link, message: Signal) -> None:
        """Signal the processes of engines, for a client or for the host that started them."""
        problem = self.send(message, host=link if link.role == "host" else None)
        if problem:
            log.warning("signal not sent to all engines", extra={"signal": message.signum, "problem": problem})
        if message.number and link.role == "client":  # a host has no questions
            link.connection.send(Answer(message.number, error=brief(problem)))

    def send(self, message: Signal, *, host: Link | None = None) -> str:
        """Send the signal; return what is wrong, "" if nothing is. `host`: only to engines that it started."""
        try:
            signum = signal_number(message.signum)
        except ValueError as error:
            return str(error)
        problems = [self._send_to(engine_id, signum, host) for engine_id in message.engines]
        return "; ".join(filter(None, problems))

    def _send_to(self, engine_id: int, signum: int, only: Link | None) -> str:
        link = self._links.engines.get(engine_id)
        if link is None:
            return f"engine {engine_id} is not connected"
        if only is not None and link.host != only.identity:
            return ""
        if signum == signal.SIGINT and self._interrupt(engine_id):
            return ""
        host = self._links.hosts.get(link.host)
        if host is not None:
            host.connection.send(SignalProcess(Instance(link.identity), signum))
            return ""
        return _kill(link, signum)


def _kill(link: Link, signum: int) -> str:
    pid = pid_of(link)
    if not pid:
        return (
            f"engine {link.engine_id} cannot be signalled: its process is on {link.info.host}, where no ipcluster "
            "is running"
        )
    try:
        os.kill(pid, signum)
    except (OSError, ValueError, OverflowError) as error:
        return f"could not signal engine {link.engine_id} (pid {pid}): {error}"
    return ""
