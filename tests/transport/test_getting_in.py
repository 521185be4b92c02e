"""Who gets in, over either path, and what the others hear."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engineroom.errors import ConnectionFailed, NotLetIn
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.messages import Ask, Join
from engineroom.protocol.questions import AskSteps
from engineroom.transport import listener as listening
from engineroom.transport.dial import connect
from engineroom.transport.secrecy import Secrecy
from engineroom.transport.tls import controller_context, ensure_certificate, peer_context
from tests.patience import SECONDS
from tests.transport.conftest import KEYS, Inbox

JOIN = Join(proof=b"", identity=b"i" * 16)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(story())  # type: ignore[arg-type]


def hears_the_end(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(("transport", "kind"), [("unix", "unix"), ("tls", "tls")])
def test_a_peer_with_the_key_gets_in_and_is_heard(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str, kind: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)

    async def story() -> None:
        async with open_door() as door:
            connection, welcome = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            connection.send(Ask(1, AskSteps()))
            (inside, role, join, inbox) = door.inside[0]
            await inbox.until(lambda: inbox.messages == [Ask(1, AskSteps())])
            assert (connection.kind, inside.kind, role, join.identity) == (kind, kind, "client", JOIN.identity)
            assert welcome.window > 0
            connection.close("done")
            await inbox.until(lambda: inbox.closed == [("done", True)])

    run(story)


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_a_wrong_key_is_refused_in_words(open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)

    async def story() -> None:
        async with open_door() as door:
            info = msgspec.structs.replace(door.info, exec_key="x" * 64)
            with pytest.raises(NotLetIn, match="wrong key"):
                await connect(info, role="client", join=JOIN)
            assert not door.inside

    run(story)


def test_another_cluster_is_refused_in_words(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door:
            info = msgspec.structs.replace(door.info, cluster_id="other")
            with pytest.raises(NotLetIn, match="from another cluster"):
                await connect(info, role="client", join=JOIN)

    run(story)


def test_a_controller_that_is_not_the_one_in_the_file_is_not_told_anything(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    other = ensure_certificate(tmp_path / "other.crt", tmp_path / "other.key")

    async def story() -> None:
        async with open_door() as door:
            with pytest.raises(NotLetIn, match="another certificate"):
                await connect(msgspec.structs.replace(door.info, certificate=other), role="client", join=JOIN)

    run(story)


def test_every_address_that_was_tried_is_named() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    info = ConnectionFile(url=f"tcp://127.0.0.1:{port}", exec_key="k", addresses=[f"localhost:{port}"])

    async def story() -> None:
        with pytest.raises(ConnectionFailed, match=rf"127\.0\.0\.1:{port}: .*[Rr]efused.*localhost:{port}"):
            await connect(info, role="client", join=JOIN)

    run(story)


def test_a_socket_that_others_could_have_made_is_passed_over(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door:
            (door.directory / "s").chmod(0o777)
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            assert connection.kind == "tls"
            connection.close()

    run(story)


def test_a_stranger_says_little(open_door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 16 KiB in one message, and the door is shut before it has come."""

    async def story() -> None:
        async with open_door() as door:
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
                sock.settimeout(SECONDS)
                sock.connect(door.info.socket)
                sock.sendall(struct.pack(">IB", 16 * 1024 + 1, 0))
                while await asyncio.to_thread(sock.recv, 4096):
                    pass  # it is told why
            assert door.inside == []

    run(story)


def test_another_user_at_the_socket_is_hung_up_on(open_door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "unix_peer", lambda _: (1, os.getuid() + 1))

    async def story() -> None:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            assert connection.kind == "tls"
            connection.close()

    run(story)


def test_a_directory_that_others_can_look_into_is_made_private(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door:
            (door.directory / "s").chmod(0o755)
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            assert connection.kind == "unix"
            assert (door.directory / "s").stat().st_mode & 0o777 == 0o700
            connection.close()

    run(story)


def test_strangers_are_few_and_the_oldest_makes_room(open_door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")

    async def story() -> None:
        async with open_door(max_strangers=8) as door:
            silent = [socket.create_connection(("127.0.0.1", door.info.port)) for _ in range(40)]
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            for sock in silent[: 40 - 8]:
                sock.settimeout(SECONDS)
                assert await asyncio.to_thread(hears_the_end, sock)
            for sock in silent:
                sock.close()
            connection.close()

    run(story)


def test_a_stranger_that_says_nothing_is_dropped_in_time(open_door: Any) -> None:
    async def story() -> None:
        async with open_door(stranger_seconds=0.1) as door:
            reader, writer = await asyncio.open_unix_connection(door.info.socket)
            async with asyncio.timeout(SECONDS):
                assert await reader.read() == b""
            writer.close()

    run(story)


@pytest.mark.parametrize("words", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, b"\0\0\x40\0\0" + b"\x90" * 100])
def test_garbage_ends_that_connection_only(open_door: Any, words: bytes) -> None:
    async def story() -> None:
        async with open_door() as door:
            reader, writer = await asyncio.open_unix_connection(door.info.socket)
            writer.write(words + bytes(20_000))
            async with asyncio.timeout(SECONDS):
                with contextlib.suppress(ConnectionResetError):  # closed with our garbage unread: one way to end it
                    await reader.read()
            writer.close()
            connection, _ = await connect(door.info, role="client", join=JOIN)
            connection.start(Inbox())
            connection.close()

    run(story)


def test_the_keys_differ_by_role(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door:
            with pytest.raises(NotLetIn, match="wrong key"):
                await connect(door.info, role="engine", join=JOIN)
            info = msgspec.structs.replace(door.info, exec_key=KEYS["engine"])
            connection, _ = await connect(info, role="engine", join=JOIN)
            connection.start(Inbox())
            connection.close()

    run(story)


def test_a_key_alone_tells_the_controller_from_somebody_in_the_middle(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    ensure_certificate(tmp_path / "other.crt", tmp_path / "other.key")
    tasks = []

    async def story() -> None:
        async with open_door() as door:

            async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with contextlib.suppress(OSError):
                    while data := await reader.read(65536):
                        writer.write(data)
                writer.transport.abort()

            async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                far = await asyncio.open_connection("127.0.0.1", door.info.port, ssl=peer_context())
                tasks.append(asyncio.gather(carry(reader, far[1]), carry(far[0], writer)))
                await tasks[-1]

            bare = msgspec.structs.replace(door.info, certificate="")
            connection, _ = await connect(bare, role="client", join=JOIN)
            connection.start(Inbox())
            connection.close()
            context = controller_context(tmp_path / "other.crt", tmp_path / "other.key")
            async with await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context) as server:
                port = server.sockets[0].getsockname()[1]
                through = msgspec.structs.replace(bare, url=f"tcp://127.0.0.1:{port}")
                with pytest.raises(NotLetIn, match="wrong key"):
                    await connect(through, role="client", join=JOIN)
            await asyncio.gather(*tasks)

    run(story)


def test_a_connection_that_ends_as_it_becomes_secret_is_one_that_failed(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    certificate, key = tmp_path / "its.crt", tmp_path / "its.key"
    ensure_certificate(certificate, key)

    async def shake_hands_and_leave(listener: socket.socket) -> None:
        loop, secrecy = asyncio.get_running_loop(), Secrecy(controller_context(certificate, key), server_side=True)
        listener.setblocking(False)
        theirs, _ = await loop.sock_accept(listener)
        secrecy.take(memoryview(await loop.sock_recv(theirs, 65536)))
        secrecy.shake_hands()
        theirs.send(secrecy.encrypt(()))
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()  # the far end reads the end of the handshake, and cannot write its own

    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with open_door() as door:
                there = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
                info = msgspec.structs.replace(door.info, url=there, addresses=(), certificate="")
                leaving = asyncio.create_task(shake_hands_and_leave(listener))
                with pytest.raises(ConnectionFailed, match=r"no way to the controller: "):
                    await connect(info, role="client", join=JOIN)
                await leaving

    run(story)
