"""Why a connection ended is told as a class, whatever the text of an error says."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engineroom.protocol.closing import Closing, Why, why_of
from engineroom.protocol.messages import Join
from engineroom.transport.connection import Connection
from engineroom.transport.dial import connect
from tests.transport.conftest import Inbox

JOIN = Join(proof=b"", identity=b"i" * 16)

pytestmark = pytest.mark.parametrize("transport", ["unix", "tls"])


def say_goodbye(connection: Connection) -> None:
    connection.close("done")


def close_as_a_dead_process_does(connection: Connection) -> None:
    connection.abort("killed")


def send_nonsense(connection: Connection) -> None:
    connection.transport.write(b"\x05\x00\x00\x00\x00\xc1\xc1\xc1\xc1")


def reset(connection: Connection) -> None:
    sock = connection.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort("reset")


def play(open_door: Any, end: Callable[[Connection], None]) -> Closing:
    """Return how the controller sees a connection end."""

    async def story() -> Closing:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            *_, inbox = door.inside[0]
            end(connection)
            await inbox.until(lambda: inbox.closing is not None)
            return inbox.closing  # type: ignore[no-any-return]

    return asyncio.run(story())


@pytest.fixture(name="open_door")
def _open_door(open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str) -> Any:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    return open_door


def test_a_goodbye(open_door: Any) -> None:
    assert play(open_door, say_goodbye) == Closing(Why.GOODBYE, "done")


def test_a_dead_process(open_door: Any) -> None:
    assert play(open_door, close_as_a_dead_process_does).why is Why.CLOSED


def test_nonsense_is_refused(open_door: Any, transport: str) -> None:
    del transport
    assert play(open_door, send_nonsense).why is Why.REFUSED


def test_a_reset(open_door: Any, transport: str) -> None:
    assert play(open_door, reset).why is (Why.RESET if transport == "tls" else Why.CLOSED)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ETIMEDOUT, "any words"), Why.SILENT),
        (TimeoutError("any words"), Why.SILENT),
        (OSError(errno.EHOSTUNREACH, "any words"), Why.UNREACHABLE),
        (OSError(errno.ENETUNREACH, "any words"), Why.UNREACHABLE),
        (ConnectionResetError(errno.ECONNRESET, "it timed out, no route to host, unreachable"), Why.RESET),
        (BrokenPipeError(errno.EPIPE, "any words"), Why.RESET),
        (OSError(errno.ENOMEM, "unreachable"), Why.FAILED),
        (RuntimeError("it timed out"), Why.FAILED),
        (None, Why.CLOSED),
    ],
)
def test_errors_are_told_apart_by_what_they_are(error: BaseException | None, why: Why, transport: str) -> None:
    del transport
    assert why_of(error) is why


@pytest.mark.parametrize("silent", [0.0, 7.0, 90.0])
def test_a_peer_is_as_patient_as_the_controller_says(open_door: Any, transport: str, silent: float) -> None:
    async def story() -> int:
        async with open_door() as door:
            door.silent = silent
            connection, _ = await connect(door.info, role="client", join=JOIN, silent=30)
            connection.start(Inbox())
            sock = connection.transport.get_extra_info("socket")
            patience: int = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) if transport == "tls" else 0
            connection.close()
            return patience

    run: Awaitable[int] = story()
    assert asyncio.run(run) == (0 if transport == "unix" else int((silent or 30) * 1000))  # type: ignore[arg-type]
