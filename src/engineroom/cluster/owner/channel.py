"""The line to a host: requests go, answers and reports come."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from typing import Any

import msgspec

from engineroom.cluster.line.errors import NoSuchSet
from engineroom.cluster.line.messages import Answered, Report, Request, line_of, read_report
from engineroom.errors import LaunchError
from engineroom.machine import threads
from engineroom.machine.lines import Lines


class Channel:
    """`open` it, then `ask`. A thread listens."""

    def __init__(self, sock: socket.socket, *, on_report: Callable[[Report], None], on_end: Callable[[], None]) -> None:
        self._socket, self._on_report, self._on_end = sock, on_report, on_end
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._ended = False
        self._listener = threading.Thread(target=self._listen, name="engineroom-cluster", daemon=True)

    def open(self) -> None:
        threads.start(self._listener)

    def send(self, line: bytes) -> None:
        """Send bytes as they are; nothing happens if the host is gone."""
        try:
            self._socket.sendall(line)
        except OSError:
            return  # the listener notices as well, and says so

    def ask(self, request: Request) -> Future[Any]:
        """Return the host's answer to come; LaunchError in it: the host says no, or is gone."""
        answer: Future[Any] = Future()
        with self._lock:
            if self._ended:
                answer.set_exception(LaunchError("the cluster's host has ended"))
                return answer
            request.number = next(self._numbers)
            self._waiting[request.number] = answer
        self.send(line_of(request))
        return answer

    def close(self) -> None:
        """Hang up, and wait for the listener."""
        self.hang_up()
        if threading.current_thread() is not self._listener:
            self._listener.join()

    def hang_up(self) -> None:
        """Have the listener end, soon."""
        with contextlib.suppress(OSError):  # the host did it first
            self._socket.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        try:
            self._hear_all()
        finally:  # whoever waits for us does not do so for ever
            with self._lock:
                self._ended = True
                waiting, self._waiting = self._waiting, {}
            for answer in waiting.values():
                answer.set_exception(LaunchError("the cluster's host has ended"))
            self._socket.close()
            self._on_end()

    def _hear_all(self) -> None:
        lines = Lines()
        while data := self._receive():
            for line in lines.take(data):
                self._hear(read_report(line))

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except OSError:
            return b""

    def _hear(self, report: Report) -> None:
        if not isinstance(report, Answered):
            self._on_report(report)
            return
        with self._lock:
            answer = self._waiting.pop(report.number, None)
        if answer is not None and answer.set_running_or_notify_cancel():
            if report.error:
                answer.set_exception((NoSuchSet if report.no_set else LaunchError)(report.error))
            else:
                answer.set_result(report.data)


def encode_plan(plan: Any) -> bytes:
    """Return a plan as the line that a host waits for. LaunchError: a path or a name in it can't be passed on."""
    try:
        return msgspec.json.encode(plan) + b"\n"
    except UnicodeEncodeError as error:
        raise LaunchError(
            f"{error.object!r} is not UTF-8, so that no cluster can be started with it. Rename the file or directory, "
            "or start the cluster in another directory"
        ) from None
