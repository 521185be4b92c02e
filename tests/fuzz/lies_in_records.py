"""Records and streams that are none."""

from __future__ import annotations

import struct

from engineroom.protocol.messages import (
    Call,
    Cancel,
    Credit,
    Finished,
    Function,
    Goodbye,
    Kind,
    Ping,
    Shutdown,
    Stream,
    Submit,
)
from engineroom.protocol.ranges import MOST_BYTES
from tests.fuzz.honest import Stage
from tests.fuzz.liar import Liar
from tests.fuzz.lies import MANY, OK, heard_out, own_task, record, story


@story
async def a_client_sends_a_record_of_4_gib(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_bytes(b"\xff\xff\xff\xff\x00")
    await liar.is_sent_away()


@story
async def a_client_sends_half_a_record_and_stays(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_bytes(record(b"\x91" + b"x" * 500_000)[:-1000])
    await heard_out(stage, liar)


@story
async def a_client_sends_half_a_record_and_vanishes(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_bytes(record(b"\x91" + b"x" * 1000)[:-10])
    await heard_out(stage, liar)
    liar.vanishes()


@story
async def an_engine_sends_what_only_clients_may(stage: Stage) -> None:
    liar = await stage.join("engine")
    liar.say(Submit(own_task(liar, 1), Call(Kind.APPLY)), Shutdown(controller=True))
    await liar.is_sent_away()


@story
async def a_client_sends_what_only_engines_may(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Finished(1, own_task(liar, 1), 1, OK))
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
    await heard_out(stage, liar)


@story
async def a_client_pings_without_end(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Ping(number) for number in range(MANY)))
    await heard_out(stage, liar)


@story
async def a_client_connects_and_vanishes_time_and_again(stage: Stage) -> None:
    for _ in range(50):
        liar = await Liar.join(stage.files["client"], "client")
        liar.vanishes()


@story
async def a_stream_that_nobody_has_announced(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say_record(struct.pack(">I", 99) + b"x" * 10_000, kind=1)
    await heard_out(stage, liar)


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
    await heard_out(stage, liar)


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
    await heard_out(stage, liar)


@story
async def streams_that_never_come_for_tasks_of_every_engine(stage: Stage) -> None:
    liar = await stage.join("client")
    for number in range(1, 101):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", Stream(number, 70_000))))
    await heard_out(stage, liar)
    await stage.goes_on(100)


@story
async def streams_that_break_off(stage: Stage) -> None:
    liar = await stage.join("client")
    for number in range(1, 51):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", Stream(number, 70_000))))
    liar.say(*(Cancel(number, "no") for number in range(1, 51)))
    await heard_out(stage, liar)


@story
async def credit_for_what_is_not_there(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Credit(stream, MOST_BYTES) for stream in range(1000)), *(Cancel(stream) for stream in range(1000)))
    await heard_out(stage, liar)
