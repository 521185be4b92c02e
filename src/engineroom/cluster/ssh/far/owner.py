"""A remote host's owner: it is at the far end of an ssh connection, and comes back if only the network was cut."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import msgspec

from engineroom.cluster.line.messages import Answered, EngineDied, Failed, Notice
from engineroom.cluster.ssh.far.door import Door
from engineroom.cluster.ssh.far.line import DescriptorLine
from engineroom.cluster.ssh.messages import (
    SILENT,
    RemoteReport,
    RemoteRequest,
    Resumed,
    line,
    number_of,
    read_remote_request,
)
from engineroom.errors import EngineroomError

log = logging.getLogger(__name__)

_KEPT = 200
"""Reports that wait for the owner's return, and answers that may be asked for again."""


class OnGone(Protocol):
    """Told in words that there is no owner any more, and whether it was cut off rather than ended."""

    def __call__(self, words: str, *, cut: bool) -> None: ...


class Owner:
    """Answers requests with `answer`, takes reports, and calls `on_gone` once nobody owns us any more.

    An owner that ended, or was killed, closes what we read and still hears us. Where both ends are gone the
    connection was cut: then it has `lease` seconds to come back, by way of our door.
    """

    def __init__(
        self,
        door: Door,
        *,
        lease: float,
        answer: Callable[[RemoteRequest], Awaitable[Any]],
        on_return: Callable[[], None],
        on_gone: OnGone,
        silent: float = SILENT,
    ) -> None:
        """`silent`: seconds without a word from it, beside `lease`, after which it is given up."""
        self._door, self._lease, self._silent = door, lease, silent
        self._answer, self._on_return, self._on_gone = answer, on_return, on_gone
        self._line: DescriptorLine | None = None
        self._server: asyncio.Task[None] | None = None
        self._unsaid: list[RemoteReport] = []
        self._work: dict[int, asyncio.Task[Answered]] = {}
        self._waiting: asyncio.TimerHandle | None = None
        self._listening: asyncio.Task[None] | None = None
        self._guests: set[asyncio.Task[None]] = set()

    @property
    def here(self) -> bool:
        return self._line is not None

    def begin(self, read: int, write: int, heard: bytes) -> None:
        """Listen to the owner that started us, of whom we `heard` something already, and at the door, which is open."""
        self._server = asyncio.get_running_loop().create_task(self._keep_door(self._door.listener))
        self._take(read, write, heard)
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    def tell(self, report: RemoteReport) -> None:
        """Say it now, or what must not be lost when the owner is back."""
        if self._line is not None:
            self._line.tell(line(report))
        elif isinstance(report, EngineDied | Notice | Failed):
            self._unsaid = [*self._unsaid[-_KEPT + 1 :], report]

    async def close(self) -> None:
        """Say what is still to be said, and let go."""
        if self._waiting is not None:
            self._waiting.cancel()
        for task in (self._server, self._listening, *self._guests):
            if task is not None:
                task.cancel()
        self._door.close()
        ended, self._line = self._line, None
        if ended is not None:
            await ended.flush(2.0)
            ended.close()

    def _take(self, read: int, write: int, heard: bytes = b"") -> None:
        before, self._line = self._line, None
        if before is not None:
            before.close()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        taken = DescriptorLine(
            read, write, on_line=self._asked, on_end=lambda cut: self._line_ended(taken, cut=cut), heard=heard
        )
        self._line = taken

    async def _listen(self) -> None:
        """Give up an owner that says nothing any more: where its whole machine is gone, nothing ends the connection."""
        loop, longest = asyncio.get_running_loop(), self._silent + self._lease
        while True:
            await asyncio.sleep(self._silent / 6)
            if self._line is not None and loop.time() - self._line.heard_at >= longest:
                break
        self._on_gone(f"its owner has said nothing for {longest:g} s", cut=True)

    async def _keep_door(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listener)
            guest = loop.create_task(self._let_in(connection))
            self._guests.add(guest)
            guest.add_done_callback(self._guests.discard)

    async def _let_in(self, connection: socket.socket) -> None:
        """Take who is at the door for our owner once it says something: others only look whether anybody is there."""
        with connection:
            said = await asyncio.get_running_loop().sock_recv(connection, 65536)
            if not said:
                return
            descriptor = connection.detach()
        log.info("the owner is back")
        self._take(descriptor, descriptor, said)
        self.tell(Resumed())
        unsaid, self._unsaid = self._unsaid, []
        for report in unsaid:
            self.tell(report)
        self._on_return()

    def _line_ended(self, ended: DescriptorLine, *, cut: bool) -> None:
        if ended is not self._line:
            return
        if not cut:
            self._on_gone("its owner is gone", cut=False)
            return
        self._line = None
        ended.close()
        log.warning("the connection to the owner was cut: waiting for its return", extra={"seconds": self._lease})
        words = f"its owner was cut off, and did not come back within {self._lease:g} s"
        give_up = partial(self._on_gone, words, cut=True)
        self._waiting = asyncio.get_running_loop().call_later(self._lease, give_up)

    def _asked(self, said: bytes) -> None:
        try:
            request = read_remote_request(said)
        except msgspec.MsgspecError as error:
            log.warning("invalid request: %s", error)
            return
        number = number_of(request)
        work = self._work.get(number)
        if work is None:  # else it is asked again, after a cut in which the answer was lost
            work = self._work[number] = asyncio.get_running_loop().create_task(self._serve(request))
            for old in sorted(self._work)[:-_KEPT]:
                del self._work[old]
        work.add_done_callback(self._answered)

    async def _serve(self, request: RemoteRequest) -> Answered:
        try:
            return Answered(number_of(request), await self._answer(request))
        except (EngineroomError, OSError, ValueError) as error:
            return Answered(number_of(request), error=str(error))
        except Exception as error:  # whoever asked must not wait for ever
            log.exception("a request failed")
            return Answered(number_of(request), error=f"the remote host failed: {type(error).__name__}: {error}")

    def _answered(self, work: asyncio.Task[Answered]) -> None:
        if not work.cancelled():
            self.tell(work.result())
