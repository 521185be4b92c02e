"""Liars who offer memory that is none, or not theirs to offer, and return what they never had."""

from __future__ import annotations

import os
import tempfile

from engineroom.machine.shared_memory.pool import SharedPool
from engineroom.protocol.messages import Borrowed, Call, Credit, Kind, Shared, Submit
from engineroom.protocol.ranges import MOST_BYTES
from tests.fuzz.honest import Stage
from tests.fuzz.lies import heard_out, own_task, story

SIZE = 300_000


def offered(number: int, descriptor: int, size: int = SIZE, offset: int = 0) -> Shared:
    """Return the offer of an open file, as it is."""
    found = os.fstat(descriptor)
    return Shared(number, size, descriptor, offset, found.st_dev, found.st_ino)


@story
async def shared_memory_that_is_something_else(stage: Stage) -> None:
    liar = await stage.join("client")
    reading, writing = os.pipe()
    unsealed = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
    os.ftruncate(unsealed, SIZE)
    nothing = os.open(os.devnull, os.O_RDONLY)
    with tempfile.TemporaryFile() as file:
        file.truncate(SIZE)
        for number, descriptor in enumerate((reading, writing, unsealed, file.fileno(), nothing), 1):
            liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", offered(number, descriptor)), stage.instance))
        liar.say(Submit(own_task(liar, 6), Call(Kind.APPLY, b"", Shared(6, SIZE, 2**31 - 1, 0, 1, 1)), stage.instance))
        await heard_out(stage, liar)
    for descriptor in (reading, writing, unsealed, nothing):
        os.close(descriptor)


@story
async def shared_memory_that_is_shorter_than_was_said_and_full_of_garbage(stage: Stage) -> None:
    liar, pool = await stage.join("client"), SharedPool()
    pool.allow(1 << 20)
    view = pool.snapshot([memoryview(b"\x80garbage" * 40_000)])
    assert view is not None
    segment = pool.segment_of([view])
    assert segment is not None
    for number, (size, offset) in enumerate([(MOST_BYTES, 0), (SIZE, MOST_BYTES), (SIZE, 7), (SIZE, 0)], 1):
        body = offered(number, segment.descriptor, size, offset)
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", body), stage.instance))
    await heard_out(stage, liar)
    await stage.goes_on(100)
    segment.close()


@story
async def peers_return_what_they_never_had(stage: Stage) -> None:
    for role in ("client", "engine"):
        liar = await stage.join(role)
        liar.say(*[Borrowed((1, 2, 3), (1, 1, 4), (5, 1), "trouble"), Credit(1, MOST_BYTES)] * 1000)
        await heard_out(stage, liar)
