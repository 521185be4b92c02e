"""What liars say, case by case: each is a story with a name, told beside an honest client and an honest engine.

A story need not end in a refusal: much of what can be said is nonsense, and no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from engineroom.errors import EngineroomError
from engineroom.ids import SessionId, task_id
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    Ask,
    Call,
    Cancel,
    Coming,
    Credit,
    Delivered,
    EngineExited,
    EngineInfo,
    Finished,
    Function,
    Goodbye,
    Held,
    Kind,
    NeedFunction,
    Options,
    Output,
    Ping,
    Ran,
    Revoked,
    Run,
    Shutdown,
    Signal,
    Started,
    Status,
    Stream,
    Submit,
    Withdrawn,
)
from engineroom.protocol.ranges import MOST, MOST_BYTES, MOST_ENGINES
from engineroom.protocol.task_ranges import TaskRanges
from tests.fuzz.honest import Stage
from tests.fuzz.liar import Liar

Story = Callable[[Stage], Awaitable[None]]

STORIES: dict[str, Story] = {}

MANY = 10_000
_OK = Ran(Status.OK, 1.0, 0.0)


def story(told: Story) -> Story:
    """Have a story told, under the words of its name."""
    STORIES[told.__name__.replace("_", " ")] = told
    return told


def own_task(liar: Liar, number: int) -> Any:
    return task_id(SessionId(liar.identity), number)


async def heard_out(liar: Liar) -> None:
    """Return once the controller has read all that `liar` has said, or has sent it away."""
    liar.connection.flush()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            while liar.is_in and liar.connection.transport.get_write_buffer_size():  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.005)
    await asyncio.sleep(0.03)


# Strangers: what is said without a key.


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


def record(body: bytes, kind: int = 0) -> bytes:
    return struct.pack(">IB", len(body) + 1, kind) + body


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
    await asyncio.sleep(0.05)
    for _, writer in crowd:
        writer.close()


@story
async def strangers_speak_to_the_tls_port_in_clear(stage: Stage) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01" + b"x" * 600, b"hello" * 100, b"\x80" * 3000):
        with socket.create_connection(("127.0.0.1", stage.files["client"].port), timeout=5) as plain:
            plain.sendall(data)
            await asyncio.sleep(0.01)


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


# Names: who says that he is another one.


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


# Records of those who have a key.


@story
async def a_client_sends_a_record_of_4_gib(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_bytes(b"\xff\xff\xff\xff\x00")
    await liar.is_sent_away()


@story
async def a_client_sends_half_a_record_and_stays(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_bytes(record(b"\x91" + b"x" * 500_000)[:-1000])
    await heard_out(liar)


@story
async def a_client_sends_half_a_record_and_vanishes(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_bytes(record(b"\x91" + b"x" * 1000)[:-10])
    await heard_out(liar)
    liar.vanishes()


@story
async def an_engine_sends_what_only_clients_may(stage: Stage) -> None:
    liar = await stage.join("engine")
    liar.say(Submit(own_task(liar, 1), Call(Kind.APPLY)), Shutdown(controller=True))
    await liar.is_sent_away()


@story
async def a_client_sends_what_only_engines_may(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Finished(1, own_task(liar, 1), 1, _OK))
    await liar.is_sent_away()


@story
async def a_client_sends_what_only_the_controller_may(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_raw(["welcome", bytes(16), [2, 0], 1], ["refused", "you"])
    await liar.is_sent_away()


@story
async def a_client_goes_on_after_its_goodbye(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Goodbye("enough"), Submit(own_task(liar, 1), Call(Kind.APPLY, b"", b"x")), Goodbye("again"))
    await heard_out(liar)


@story
async def a_client_pings_without_end(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Ping(number) for number in range(MANY)))
    await heard_out(liar)


@story
async def a_client_connects_and_vanishes_time_and_again(stage: Stage) -> None:
    for _ in range(50):
        liar = await Liar.join(stage.files["client"], "client")
        liar.vanishes()


# Streams.


@story
async def a_stream_that_nobody_has_announced(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_record(struct.pack(">I", 99) + b"x" * 10_000, kind=1)
    await heard_out(liar)


@story
async def a_chunk_without_a_stream(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_record(b"ab", kind=1)
    await liar.is_sent_away()


@story
async def a_stream_that_is_announced_twice(stage: Stage) -> None:
    liar = await stage.join("client")
    for number in (1, 2):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", Stream(5, 100_000)), stage.stranger))
    await heard_out(liar)


@story
async def a_stream_that_brings_more_than_was_announced(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Function(b"g" * 16, Stream(3, 100)))
    liar.say_record(struct.pack(">I", 3) + b"x" * 5000, kind=1)
    await liar.is_sent_away()


@story
async def a_stream_of_16_tib(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Submit(own_task(liar, 1), Call(Kind.APPLY, b"", Stream(1, MOST_BYTES)), stage.instance))
    liar.say(Function(b"g" * 16, Stream(2, MOST_BYTES)))
    await heard_out(liar)


@story
async def streams_that_never_come_for_tasks_of_every_engine(stage: Stage) -> None:
    liar = await stage.join("client")
    for number in range(1, 101):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", Stream(number, 70_000))))
    await heard_out(liar)
    await asyncio.sleep(0.2)


@story
async def streams_that_break_off(stage: Stage) -> None:
    liar = await stage.join("client")
    for number in range(1, 51):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", Stream(number, 70_000))))
    liar.say(*(Cancel(number, "no") for number in range(1, 51)))
    await heard_out(liar)


@story
async def credit_for_what_is_not_there(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Credit(stream, MOST_BYTES) for stream in range(1000)), *(Cancel(stream) for stream in range(1000)))
    await heard_out(liar)


# Clients.


@story
async def a_client_submits_tasks_of_another(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Submit(task_id(SessionId(stage.session), 10**9 + n), Call(Kind.APPLY)) for n in range(10)))
    await liar.is_sent_away()


@story
async def a_client_numbers_its_tasks_near_the_end(stage: Stage) -> None:
    for number in (2**64 - 1, MOST, MOST - 1, MOST - MOST_ENGINES):
        liar = await stage.join("client")
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", b"x"), stage.instance * 3))
        await heard_out(liar)


@story
async def a_client_jumps_with_its_numbers(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Submit(own_task(liar, 10**step), Call(Kind.PULL, b"", b"x"), stage.stranger) for step in range(15)))
    liar.say(Delivered(MOST), Delivered(10**14, ((1, MOST),) * 100))
    await heard_out(liar)


@story
async def a_client_submits_for_engines_that_never_were(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Submit(own_task(liar, n), Call(Kind.APPLY), stage.stranger) for n in range(1, 2000)))
    liar.say(Submit(own_task(liar, 2000), Call(Kind.APPLY), stage.stranger * 1000))
    options = Options(engines=tuple(range(1000, 1100)), priority=2**31, retries=2**31)
    liar.say(*(Submit(own_task(liar, n), Call(Kind.APPLY), None, options) for n in range(4000, 4500)))
    await heard_out(liar)


@story
async def a_client_names_half_an_engine(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Submit(own_task(liar, 1), Call(Kind.APPLY), stage.instance[:15] + stage.instance))
    await liar.is_sent_away()


@story
async def a_client_submits_the_same_again_and_again(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*[Submit(own_task(liar, 1), Call(Kind.PULL, b"", b"x"), stage.instance)] * 5000)
    await heard_out(liar)


@story
async def a_client_sends_garbage_as_calls_to_the_honest_engine(stage: Stage) -> None:
    liar, dice = await stage.join("client"), random.Random(2)
    for number in range(1, 60):
        call = Call(number % 5 if number % 5 != Kind.CLEAR else 0, b"", dice.randbytes(50))
        liar.say(Submit(own_task(liar, number), call, stage.instance))
    await heard_out(liar)


@story
async def a_client_gives_the_honest_ones_function_another_body(stage: Stage) -> None:
    liar = await stage.join("client")
    for digest in list(stage.honest.rc._session.functions()) or [b"h" * 16]:
        liar.say(Function(digest, b"garbage"), Function(digest, Stream(1, 70_000)), Function(digest, b""))
    await heard_out(liar)


@story
async def a_client_gives_every_function_it_can_think_of(stage: Stage) -> None:
    liar, dice = await stage.join("client"), random.Random(3)
    liar.say(*(Function(dice.randbytes(16), b"x" * 1000) for _ in range(3000)))
    await heard_out(liar)


@story
async def a_client_names_functions_that_nobody_has(stage: Stage) -> None:
    liar, dice = await stage.join("client"), random.Random(4)
    for number in range(1, 300):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, dice.randbytes(16), b"x")))
    await heard_out(liar)
    await asyncio.sleep(0.2)


@story
async def a_client_aborts_the_tasks_of_another(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*[Abort(TaskRanges(stage.session, ((1, MOST),)), interrupt=True)] * 100)
    await heard_out(liar)


@story
async def a_client_aborts_all_that_never_was(stage: Stage) -> None:
    liar = await stage.join("client")
    backwards = tuple((number, number - 1) for number in range(1, 8000))
    liar.say(Abort(TaskRanges(liar.identity, ((0, MOST),) * 8000)), Abort(TaskRanges(liar.identity, backwards)))
    await heard_out(liar)


@story
async def a_client_acknowledges_all_that_never_was(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Delivered(MOST, ((0, MOST),) * 8000), Delivered(0, ((MOST, 0),)))
    await heard_out(liar)


@story
async def a_client_asks_without_end(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Ask(number, "queue_status", "verbose") for number in range(1, 2000)))
    await heard_out(liar)


@story
async def a_client_asks_nonsense(stage: Stage) -> None:
    liar = await stage.join("client")
    for about in ("", "x" * 100_000, "-1", "0_0", "\0", "ff" * 16 + "_" + "9" * 5000, "ff" * 16 + "_-1", "1e400"):
        liar.say(*(Ask(7, what, about) for what in ("explain", "queue_status", "status", "steps", "\0", "x" * 1000)))
    await heard_out(liar)
    assert liar.is_in


@story
async def a_client_signals_what_does_not_exist(stage: Stage) -> None:
    liar = await stage.join("client")
    everybody = tuple(range(1, 5000))
    for signum in (1, 33, 60, 64):
        liar.say(Signal(everybody, signum, number=signum))
    await heard_out(liar)


@story
async def a_client_sends_signals_out_of_range(stage: Stage) -> None:
    for signum in (0, -1, 65, 10**6, 2**63):
        liar = await stage.join("client")
        liar.say_raw(["signal", [0], signum, 1])
        await liar.is_sent_away()


@story
async def a_client_labels_its_tasks_with_a_megabyte(stage: Stage) -> None:
    liar = await stage.join("client")
    options = Options(label="x" * 900_000, engines=(4000,))
    for number in range(1, 20):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY), None, options))
    await heard_out(liar)


@story
async def a_client_never_reads(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.connection.transport.pause_reading()
    liar.say(*(Ask(number, "steps") for number in range(1, 500)))
    liar.say(*(Submit(own_task(liar, n), Call(Kind.APPLY), stage.stranger) for n in range(1, 2000)))
    await heard_out(liar)


# Engines.


@story
async def an_engine_ends_the_tasks_of_another(stage: Stage) -> None:
    liar = await stage.join("engine")
    for number in range(1, 3000):
        task = task_id(SessionId(stage.session), number)
        liar.say(Finished(number, task, 1, _OK, b"a lie"), Started(task, 1), Revoked(task, 1), AlreadyStarted(task, 1))
    await heard_out(liar)


@story
async def an_engine_withdraws_the_tasks_of_others(stage: Stage) -> None:
    liar = await stage.join("engine")
    liar.say(*[Withdrawn(((stage.session, 0, MOST, 1),) * 1000)] * 10)
    await heard_out(liar)


@story
async def an_engine_writes_for_the_tasks_of_another(stage: Stage) -> None:
    liar = await stage.join("engine")
    for number in range(1, 2000):
        liar.say(Output(task_id(SessionId(stage.session), number), 1, 1, number, "a lie\n"))
    await heard_out(liar)


@story
async def an_engine_numbers_its_results_as_it_likes(stage: Stage) -> None:
    liar, dice = await stage.join("engine"), random.Random(5)
    nobody = task_id(SessionId(stage.stranger), 1)
    liar.say(*(Finished(dice.randrange(1, MOST), nobody, 1, _OK) for _ in range(MANY)))
    liar.say(*(Finished(7, nobody, 1, _OK) for _ in range(1000)), Finished(MOST, nobody, MOST, _OK))
    await heard_out(liar)


async def _one_bad(stage: Stage, role: str, *message: Any) -> None:
    liar = await stage.join(role)
    liar.say_raw(list(message))
    await liar.is_sent_away()


@story
async def an_engine_reports_a_task_as_unsent(stage: Stage) -> None:
    await _one_bad(stage, "engine", "finished", 1, bytes(24), 1, [int(max(Status)), 1.0, 0.0])


@story
async def an_engine_took_no_number_of_seconds(stage: Stage) -> None:
    for seconds in (float("nan"), float("inf"), -1.0):
        await _one_bad(stage, "engine", "finished", 1, bytes(24), 1, [0, 1.0, seconds])


@story
async def an_engine_ran_at_no_time(stage: Stage) -> None:
    for started in (float("nan"), float("-inf"), -1.0, 1e300):
        await _one_bad(stage, "engine", "finished", 1, bytes(24), 1, [0, started, 1.0])


@story
async def an_engine_needs_functions_that_nobody_has(stage: Stage) -> None:
    liar, dice = await stage.join("engine"), random.Random(6)
    liar.say(*(NeedFunction(dice.randbytes(16)) for _ in range(MANY)))
    await heard_out(liar)
    news = await stage.join("client")
    await asyncio.sleep(0.05)
    assert not any(isinstance(said, NeedFunction) for said in news.heard)


@story
async def an_engine_needs_the_same_function_again_and_again(stage: Stage) -> None:
    liar = await stage.join("engine")
    digests = list(stage.honest.rc._session.functions()) or [b"h" * 16]
    liar.say(*(NeedFunction(digests[n % len(digests)]) for n in range(3000)))
    await heard_out(liar)


@story
async def an_engine_holds_all_there_is(stage: Stage) -> None:
    liar = await Liar.join(stage.files["engine"], "engine", holds=None)
    stage.liars.append(liar)
    everything = ((stage.session, 0, MOST, 1), (stage.stranger, MOST, 0, 1)) * 4000
    liar.say(Held(everything, everything, everything, last=False), Held((), everything, (), last=True))
    await heard_out(liar)


@story
async def an_engine_says_without_end_what_it_holds(stage: Stage) -> None:
    liar = await Liar.join(stage.files["engine"], "engine", holds=None)
    stage.liars.append(liar)
    for start in range(30):
        some = tuple((stage.stranger, n, n, 1) for n in range(start, 2000, 2))
        liar.say(Held((), some, (), last=False))
    await heard_out(liar)


@story
async def an_engine_is_of_a_world_without_end(stage: Stage) -> None:
    for rank, size in ((0, MOST_ENGINES), (MOST_ENGINES - 1, MOST_ENGINES), (5, 3), (2**16 - 1, 2**16)):
        liar = await stage.join("engine", info=EngineInfo(launch=f"{rank}", mpi_rank=rank, mpi_size=size))
        await liar.leaves()
    for size in (2**40, -1):
        with contextlib.suppress(EngineroomError):
            await stage.join("engine", info=EngineInfo(launch="x", mpi_rank=0, mpi_size=size))
    honest = await stage.join("engine")
    assert honest.welcome.engine_id < MOST_ENGINES


@story
async def an_engine_wants_the_id_of_another(stage: Stage) -> None:
    for wanted in (0, MOST_ENGINES - 1, -1):
        with contextlib.suppress(EngineroomError):
            liar = await stage.join("engine", wanted_id=wanted)
            assert liar.welcome.engine_id != 0


@story
async def an_engine_is_another_process_of_another_machine(stage: Stage) -> None:
    info = EngineInfo(pid=1, host="x" * 1000, boot_id="y", python="\0", cores=2**20, launch="{]", problem="z" * 10_000)
    liar = await stage.join("engine", info=info, host=stage.instance, tunnel="-oProxyCommand=x", wall=1e11)
    signals = await stage.join("client")
    signals.say(Signal((liar.welcome.engine_id,), signal.SIGWINCH, number=3))
    await heard_out(signals)


@story
async def an_engine_takes_tasks_and_vanishes(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    client.say(*(Submit(own_task(client, n), Call(Kind.PULL, b"", b"x"), liar.identity) for n in range(1, 1000)))
    await liar.hears(Run)
    liar.vanishes()
    await heard_out(client)


@story
async def an_engine_ends_tasks_twice_with_other_results(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    client.say(*(Submit(own_task(client, n), Call(Kind.PULL, b"", b"x"), liar.identity) for n in range(1, 100)))
    run = await liar.hears(Run)
    for number in range(1, 300):
        liar.say(Started(run.task, run.attempt), Finished(number, run.task, run.attempt, _OK, b"%d" % number))
        liar.say(Revoked(run.task, run.attempt), AlreadyStarted(run.task, run.attempt))
    await heard_out(liar)


@story
async def an_engine_announces_results_that_never_come(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    client.say(Submit(own_task(client, 1), Call(Kind.PULL, b"", b"x"), liar.identity))
    run = await liar.hears(Run)
    liar.say(*(Finished(n, run.task, run.attempt, _OK, Stream(n, MOST_BYTES)) for n in range(1, 300)))
    await heard_out(liar)


@story
async def an_engine_writes_more_than_anybody_reads(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    client.say(Submit(own_task(client, 1), Call(Kind.PULL, b"", b"x"), liar.identity))
    run = await liar.hears(Run)
    client.connection.transport.pause_reading()
    liar.say(*(Output(run.task, run.attempt, 1, n, "x" * 20_000) for n in range(1000)))
    await heard_out(liar)


@story
async def an_engine_never_reads(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    liar.connection.transport.pause_reading()
    for n in range(1, 500):
        client.say(Submit(own_task(client, n), Call(Kind.PULL, b"", b"x" * 20_000), liar.identity))
    await heard_out(client)


@story
async def engines_come_and_go(stage: Stage) -> None:
    for number in range(40):
        liar = await stage.join("engine")
        liar.vanishes() if number % 2 else await liar.leaves()


# Hosts.


@story
async def a_host_ends_and_signals_the_engines_of_another(stage: Stage) -> None:
    liar = await stage.join("host")
    liar.say(Signal((0, 1, 2), 9), Shutdown((0, 1, 2), controller=True), Shutdown(None, controller=True))
    await heard_out(liar)


@story
async def a_host_reports_the_end_of_engines_of_another(stage: Stage) -> None:
    liar = await stage.join("host")
    for _ in range(100):
        liar.say(EngineExited(stage.instance, "killed by a lie", own=True, running=(), words="x" * 1000))  # type: ignore[arg-type]
    await heard_out(liar)


@story
async def a_host_reports_the_end_of_engines_that_never_were(stage: Stage) -> None:
    liar = await stage.join("host")
    liar.say(*(EngineExited(stage.stranger, "a lie") for _ in range(5000)))  # type: ignore[arg-type]
    await heard_out(liar)


@story
async def a_host_is_about_to_start_a_million_engines(stage: Stage) -> None:
    liar = await stage.join("host")
    for number in range(1000):
        liar.say(Coming(MOST_ENGINES, number, restarts=bool(number % 2)))
    await heard_out(liar)
    liar.vanishes()


@story
async def hosts_come_and_go(stage: Stage) -> None:
    for number in range(40):
        liar = await stage.join("host")
        liar.say(Coming(number, number))
        liar.vanishes() if number % 2 else await liar.leaves()


@story
async def a_host_sends_what_only_clients_may(stage: Stage) -> None:
    liar = await stage.join("host")
    liar.say(Ask(1, "queue_status"), Abort(TaskRanges(stage.session, ((1, MOST),))))
    await liar.is_sent_away()
