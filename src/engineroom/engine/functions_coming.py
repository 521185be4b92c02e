"""The functions that come to this engine, and the attempts that wait for one: the I/O thread's side of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from engineroom.engine.attempts import Attempt
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import Function, HoldsPublished, NeedFunction, Released
from engineroom.protocol.ranges import MOST_LISTED
from engineroom.protocol.streams import Payload
from engineroom.serialize.functions.table import FunctionTable
from engineroom.transport import bodies
from engineroom.transport.connection import Connection


class FunctionsComing:
    """Fills `table`. `ready(attempts)` is told of those that lacked what has come.

    The controller has not looked at what came apart from its message: whether that matches its hash is found out when
    it is first used, in the thread that uses it.
    """

    def __init__(self, table: FunctionTable, ready: Callable[[Sequence[Attempt]], object]) -> None:
        self._table, self._ready = table, ready
        self._connection: Connection | None = None
        self._arriving: set[bytes] = set()
        self._lacking: dict[bytes, list[Attempt]] = {}

    def connected(self, connection: Connection) -> None:
        """Use `connection` from now on: say which published values are here, and ask for what was asked for before."""
        self._connection = connection
        published = self._table.all_published()
        for start in range(0, len(published), MOST_LISTED):
            connection.send(HoldsPublished(tuple(published[start : start + MOST_LISTED])))
        for function, attempts in self._lacking.items():
            if attempts:
                self._ask(attempts[0], function)

    def cut(self) -> None:
        """There is no connection any more."""
        self._connection = None
        self._arriving.clear()

    def take(self, message: Function | Released) -> None:
        if isinstance(message, Released):
            self._table.release(message.hash)
        elif isinstance(message.body, bytes):
            self._arrived(message, message.body)
        else:
            self._receive(message)

    def lack(self, attempt: Attempt, function: bytes) -> None:
        """Have the function of `attempt` sent, or a part of it, unless it has come meanwhile or is on its way."""
        if function in self._table:
            self._ready([attempt])
            return
        waiting = [other for other in self._lacking.get(function, ()) if other.queued]  # others were given back
        waiting.append(attempt)
        self._lacking[function] = waiting
        if len(waiting) == 1 and function not in self._arriving:
            self._ask(attempt, function)

    def _ask(self, attempt: Attempt, function: bytes) -> None:
        if self._connection is not None:
            wrong = self._table.was_wrong(function)
            self._connection.send(NeedFunction(function, attempt.run.call.function, wrong))

    def _receive(self, message: Function) -> None:
        assert self._connection is not None
        assert not isinstance(message.body, bytes)
        self._arriving.add(message.hash)

        def broken(_: str) -> None:
            self._arriving.discard(message.hash)
            if attempts := self._lacking.get(message.hash):
                self._ask(attempts[0], message.hash)

        whole = partial(self._arrived, message)
        payload = bodies.receive(self._connection, message.body, whole=whole, broken=broken)
        if payload.error is not None:
            self._arrived(message, payload)

    def _arrived(self, message: Function, body: bytes | Payload) -> None:
        """Keep a function, or say to whoever calls it that there is no memory for it."""
        digest = message.hash
        self._arriving.discard(digest)
        try:
            if isinstance(body, bytes):
                self._table.add(digest, body)
            else:
                content = body.buffer()
                self._table.add(
                    digest, content, lambda: content_hash([content], message.parts) == digest, body.mapper()
                )
        except (MemoryError, OSError):
            self._table.add_nothing(digest, body.size if isinstance(body, Payload) else len(body))
        self._ready(self._lacking.pop(digest, ()))
