"""What is said without a key, and under the names of others."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from typing import Any

from engineroom.errors import EngineroomError
from engineroom.protocol.connection_files import ConnectionFile
from tests.fuzz.honest import Stage
from tests.fuzz.liar import Liar
from tests.fuzz.lies import record, story


@contextlib.asynccontextmanager
async def knock(file: ConnectionFile) -> Any:
    """Yield the two ends of a connection to the Unix socket."""
    reader, writer = await asyncio.open_unix_connection(file.socket)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _said_at_the_door(stage: Stage, *words: bytes) -> None:
    for data in words:
        async with knock(stage.files["client"]) as (reader, writer):
            with contextlib.suppress(OSError):
                writer.write(data)
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1), 0.05)


@story
async def a_stranger_speaks_http(stage: Stage) -> None:
    await _said_at_the_door(stage, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)


@story
async def a_stranger_says_random_bytes(stage: Stage) -> None:
    dice = random.Random(1)
    await _said_at_the_door(stage, *(dice.randbytes(dice.randrange(1, 5000)) for _ in range(20)))


@story
async def a_stranger_announces_a_record_of_4_gib(stage: Stage) -> None:
    await _said_at_the_door(stage, b"\xff\xff\xff\xff\x00" + b"x" * 1000)


@story
async def a_stranger_sends_empty_records(stage: Stage) -> None:
    await _said_at_the_door(stage, bytes(4) * 1000, record(b"") * 1000)


@story
async def a_stranger_sends_records_of_unknown_kinds(stage: Stage) -> None:
    await _said_at_the_door(stage, *(record(b"x", kind) for kind in range(2, 256, 17)))


@story
async def a_stranger_nests_lists_without_end(stage: Stage) -> None:
    await _said_at_the_door(stage, record(b"\x91" * 16_000), record(b"\x92\x93\xa5hello" + b"\x91" * 10_000))


@story
async def a_stranger_announces_lists_and_texts_that_are_not_there(stage: Stage) -> None:
    await _said_at_the_door(
        stage, *(record(head + b"\xff\xff\xff\xff") for head in (b"\xdd", b"\xdf", b"\xc6", b"\xdb", b"\x91\xdd"))
    )


@story
async def a_stranger_sends_invalid_utf_8(stage: Stage) -> None:
    await _said_at_the_door(stage, *[record(b"\x91\x95\xa5hello\xa4\xff\xfe\xfd\xfc\x92\x02\x00\xa0\xc4\x00")] * 50)


@story
async def a_stranger_sends_a_stream_before_the_handshake(stage: Stage) -> None:
    await _said_at_the_door(stage, record(struct.pack(">I", 7) + b"x" * 10_000, 1), record(b"", 1))


@story
async def a_stranger_joins_without_a_hello(stage: Stage) -> None:
    await _said_at_the_door(stage, record(b"\x91\x93\xa4join\xc4\x01x\xc4\x10" + bytes(16)))


@story
async def a_stranger_says_hello_twice(stage: Stage) -> None:
    hello = b"\x95\xa5hello\xa6client\x92\x02\x00\xa0\xc4\x20" + bytes(32)
    await _said_at_the_door(stage, record(b"\x92" + hello + hello), record(b"\x91" + hello) * 2)


@story
async def a_stranger_is_of_no_role_or_an_old_protocol(stage: Stage) -> None:
    tail = b"\xa0\xc4\x20" + bytes(32)
    await _said_at_the_door(
        stage,
        record(b"\x91\x95\xa5hello\xa5chief\x92\x02\x00" + tail),
        record(b"\x91\x95\xa5hello\xa6client\x92\x01\x00" + tail),
        record(b"\x91\x95\xa5hello\xa6client\x92\x00" + tail),
    )


@story
async def a_stranger_has_the_key_of_the_other_role(stage: Stage) -> None:
    for mine, role in (("engine", "client"), ("client", "engine"), ("client", "host")):
        with contextlib.suppress(EngineroomError):
            await Liar.join(stage.files[mine], role)


@story
async def strangers_come_in_a_crowd_and_say_nothing(stage: Stage) -> None:
    crowd = [await asyncio.open_unix_connection(stage.files["client"].socket) for _ in range(300)]
    await stage.goes_on(30)
    for _, writer in crowd:
        writer.close()


@story
async def strangers_speak_to_the_tls_port_in_clear(stage: Stage) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01" + b"x" * 600, b"hello" * 100, b"\x80" * 3000):
        with socket.create_connection(("127.0.0.1", stage.files["client"].port), timeout=5) as plain:
            plain.sendall(data)
            await stage.goes_on(1)


@story
async def strangers_break_off_the_tls_handshake(stage: Stage) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(10):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLWantReadError):
            context.wrap_bio(incoming, outgoing).do_handshake()
        with socket.create_connection(("127.0.0.1", stage.files["client"].port), timeout=5) as half:
            half.sendall(outgoing.read()[:-10])


async def _under_the_name_of(stage: Stage, role: str, identity: bytes) -> None:
    for secret in (b"", identity, b"x" * 32):
        with contextlib.suppress(EngineroomError):
            liar = await Liar.join(stage.files[role], role, identity=identity, secret=secret)
            raise AssertionError(f"let in as {liar.identity.hex()}")


@story
async def a_client_connects_under_the_name_of_another(stage: Stage) -> None:
    await _under_the_name_of(stage, "client", stage.session)


@story
async def an_engine_connects_under_the_name_of_another(stage: Stage) -> None:
    await _under_the_name_of(stage, "engine", stage.instance)


@story
async def an_engine_connects_as_the_host_of_others(stage: Stage) -> None:
    await _under_the_name_of(stage, "host", stage.instance)
    await _under_the_name_of(stage, "host", stage.session)
