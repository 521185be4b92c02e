"""A cluster's line to its host: from the start, or to one that runs already, to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Self

from engineroom.cluster.line.dialling import dial_host
from engineroom.cluster.line.errors import CouldNotStart
from engineroom.cluster.line.messages import EngineDied, Failed, Notice, Progress, Ready, Report, Request, Stop
from engineroom.cluster.owner.channel import Channel, encode_plan
from engineroom.cluster.owner.started_host import StartedHost
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.records.cluster_file import NoCluster, address_in, stop_timeout_in
from engineroom.errors import LaunchError
from engineroom.protocol.texts import last_output
from engineroom.trail.stops import BY_OWNER

log = logging.getLogger(__name__)

_PATIENCE = 11.0
"""A host kills what does not end within its plan's `stop_timeout`; this much later the host is killed, and takes all
with it."""


class HostSession:
    """`start` or `join` one; then `ask`, and `stop`. A forked child has no part in it: there nothing happens.

    `process`: the pid of the process that it belongs to.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self._host: StartedHost | None = None
        self._channel: Channel | None = None
        self._stop_seconds = _PATIENCE
        self._ready: Future[Ready] = Future()
        self.progress = Progress(0, 0)
        """How many engines are ready, of how many that are being started."""
        self._ended = threading.Event()

    @classmethod
    def start(cls, plan: HostPlan) -> Self:
        """Start a host with `plan`; `ready` comes next."""
        session, line = cls(), encode_plan(plan)
        session._stop_seconds += plan.stop_timeout
        session._host = StartedHost(with_controller=plan.controller is not None)
        session._open(Channel(session._host.socket, on_report=session._hear, on_end=session._gone))
        session._send(line)
        return session

    @classmethod
    def join(cls, values: Mapping[str, Any]) -> Self:
        """Return a session with the host that a cluster file tells of; NoCluster if it is gone."""
        address = address_in(values)
        if not address.process.here:
            raise NoCluster(f"that cluster runs on {address.process.host}: from here, connect a Client to it")
        try:
            sock = dial_host(address.socket)
        except OSError as error:
            state = "does not answer" if address.process.alive else "is gone"
            raise NoCluster(f"that cluster has ended: its host (pid {address.process.pid}) {state}: {error}") from None
        session = cls()
        session._stop_seconds += stop_timeout_in(values)
        session._open(Channel(sock, on_report=session._hear, on_end=session._gone))
        return session

    @property
    def here(self) -> bool:
        """Whether this process is the one that it belongs to, not a fork of that."""
        return self.process == os.getpid()

    @property
    def alive(self) -> bool:
        return self._channel is not None and not self._ended.is_set()

    async def ready(self, *, keep: bool) -> Ready:
        """Wait until everything runs; LaunchError says why not. `keep`: the host then no longer is our child."""
        ready = await asyncio.wrap_future(self._ready)
        if keep and self._host is not None:
            self._host.let_go()
            self._host.forget_words()
            self._host = None
        return ready

    def ask(self, request: Request) -> Future[Any]:
        """Return the host's answer to come."""
        if self._channel is None:
            answer: Future[Any] = Future()
            answer.set_exception(LaunchError("the cluster is stopped"))
            return answer
        return self._channel.ask(request)

    async def stop(self) -> None:
        """Have the host stop everything; returns when it has."""
        channel, self._channel = self._channel, None
        if channel is None or not self.here:
            return
        answer = asyncio.wrap_future(channel.ask(Stop(reason=BY_OWNER)))
        with contextlib.suppress(LaunchError, TimeoutError):  # it has ended already; or hanging up will end it
            async with asyncio.timeout(self._stop_seconds):
                await answer
        channel.close()
        host, self._host = self._host, None
        if host is not None:
            await host.end_within(self._stop_seconds)
            host.forget_words()

    def hang_up(self) -> None:
        """Leave the host to itself."""
        if self._channel is not None and self.here:
            self._channel.hang_up()

    def _open(self, channel: Channel) -> None:
        self._channel = channel
        channel.open()

    def _send(self, line: bytes) -> None:
        assert self._channel is not None
        self._channel.send(line)

    def _hear(self, report: Report) -> None:
        match report:
            case Ready():
                self._ready.set_result(report)
            case Failed():
                if self._ready.done():
                    log.error("the cluster has ended: %s", report.reason + report.advice)
                else:
                    self._ready.set_exception(CouldNotStart(report))
            case EngineDied(engine=engine, cause=cause, log_file=log_file, restarting=restarting):
                more = "it is started again" if restarting else f"its log is {log_file}"
                said = f". {last_output(report.words)}" if report.words else ""
                log.warning("engine %d died: %s; %s%s", engine, cause, more, said)
            case Notice(words=words):
                log.warning("%s", words)
            case Progress():
                self.progress = report
            case _:
                pass  # answers are for those who asked

    def _gone(self) -> None:
        self._ended.set()
        if not self._ready.done():
            words = "" if self._host is None else self._host.last_words()
            self._ready.set_exception(LaunchError(f"the host ended before everything was ready: {words}"))
