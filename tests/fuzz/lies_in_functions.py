"""Clients that send other code under the name of a function that an honest client is about to call."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import numpy as np

from engineroom.machine.shared_memory.pool import SharedPool
from engineroom.protocol.messages import Function, Stream
from engineroom.protocol.streams import Buffer
from engineroom.serialize.functions.packing import HEAD, REUSABLE, FunctionPacker, PackedFunction
from tests.fuzz.honest import Stage
from tests.fuzz.liar import Liar
from tests.fuzz.lies import heard_out, story
from tests.fuzz.lies_in_shared_memory import offered
from tests.patience import SECONDS

LONG = 200_000
MEBIBYTE = 1 << 20


def _new_function(size: int = 0) -> tuple[Callable[[], object], PackedFunction, PackedFunction]:
    """Return a function that nobody has called, its bytes, and those of one that returns a lie."""
    truth, lie = np.frombuffer(random.randbytes(16 + size), np.uint8), b"a lie"

    def honest() -> object:
        return len(truth), bytes(truth[:16])

    def lying() -> object:
        return lie

    return honest, FunctionPacker().pack(honest), FunctionPacker().pack(lying)


async def _is_right(stage: Stage, function: Callable[[], object]) -> None:
    """The honest client calls the function, and the honest engine runs just that."""
    result = await asyncio.to_thread(stage.honest.rc[0].apply_async(function).get, SECONDS)
    assert result == function()


def _say_long(liar: Liar, digest: bytes, pieces: list[Buffer], parts: tuple[bytes, ...] | None) -> None:
    stream = liar.connection.open_stream(pieces)
    liar.say(Function(digest, Stream(stream.id, stream.size), parts))


@story
async def a_client_sends_a_lie_under_the_hash_of_a_function(stage: Stage) -> None:
    liar = await stage.join("client")
    honest, truth, lie = _new_function()
    liar.say(Function(truth.hash, lie.body))
    assert "does not match its hash" in await liar.is_sent_away()
    await _is_right(stage, honest)


@story
async def a_client_sends_a_long_lie_under_the_hash_of_a_function(stage: Stage) -> None:
    liar = await stage.join("client")
    honest, truth, lie = _new_function(LONG)
    _say_long(liar, truth.hash, [lie.body.ljust(len(truth.body), b"\0")], ())
    assert "does not match its hash" in await liar.is_sent_away()
    await _is_right(stage, honest)


@story
async def a_client_sends_a_lie_as_a_part_of_a_function(stage: Stage) -> None:
    liar = await stage.join("client")
    honest, truth, _ = _new_function(2 * MEBIBYTE)
    part = truth.parts[0]  # others are modules
    _say_long(liar, part.hash, [part.segments()[0], bytes(part.length)], None)
    assert "does not match its hash" in await liar.is_sent_away()
    await _is_right(stage, honest)


@story
async def a_client_sends_the_function_and_lies_about_its_parts(stage: Stage) -> None:
    honest, truth, _ = _new_function(2 * MEBIBYTE)
    for parts in ((), (b"p" * 16,), (truth.parts[0].hash, b"p" * 16)):
        liar = await stage.join("client")
        liar.say(Function(truth.hash, truth.body, parts))
        assert "does not match its hash" in await liar.is_sent_away()
    await _is_right(stage, honest)


@story
async def a_client_has_a_function_that_is_here_wait_for_parts_that_are_none(stage: Stage) -> None:
    honest, truth, _ = _new_function(LONG)
    await _is_right(stage, honest)
    liar = await stage.join("client")
    _say_long(liar, truth.hash, [truth.body], (b"p" * 16,))
    assert "does not match its hash" in await liar.is_sent_away()
    await _is_right(stage, honest)


@story
async def a_client_announces_a_function_with_other_parts_and_keeps_it_to_itself(stage: Stage) -> None:
    liar = await stage.join("client")
    honest, truth, _ = _new_function(LONG)
    liar.say(Function(truth.hash, Stream(1, len(truth.body)), (b"p" * 16,)))
    await heard_out(stage, liar)
    await _is_right(stage, honest)
    assert liar.is_in


async def _is_found_out_once_it_is_used(
    stage: Stage, honest: Callable[[], object], digest: bytes, lie: list[memoryview], parts: tuple[bytes, ...] | None
) -> None:
    """Have `lie` taken for something else: it lies in shared memory, into which only engines look."""
    liar, pool = await stage.join("client"), SharedPool()
    pool.allow(64 << 20)
    view = pool.snapshot(lie)
    assert view is not None
    segment = pool.segment_of([view])
    assert segment is not None
    liar.say(Function(digest, offered(1, segment.descriptor, len(view)), parts))
    await heard_out(stage, liar)
    await _is_right(stage, honest)
    assert "does not match its hash" in await liar.is_sent_away()
    segment.close()


@story
async def a_client_offers_memory_with_a_lie_under_the_hash_of_a_function(stage: Stage) -> None:
    honest, truth, lie = _new_function(LONG)
    content = [memoryview(lie.body.ljust(len(truth.body), b"\0"))]
    await _is_found_out_once_it_is_used(stage, honest, truth.hash, content, ())


@story
async def a_client_offers_memory_with_a_function_that_has_parts_which_nobody_has(stage: Stage) -> None:
    honest, truth, _ = _new_function(LONG)
    lie = HEAD.pack(REUSABLE, 0, 1) + b"p" * 16
    content = [memoryview(lie.ljust(len(truth.body), b"\0"))]
    await _is_found_out_once_it_is_used(stage, honest, truth.hash, content, ())


@story
async def a_client_offers_memory_with_a_lie_as_a_part_of_a_function(stage: Stage) -> None:
    honest, truth, _ = _new_function(2 * MEBIBYTE)
    part = truth.parts[0]  # others are modules
    content = [memoryview(bytes(part.segments()[0])), memoryview(bytes(part.length))]
    await _is_found_out_once_it_is_used(stage, honest, part.hash, content, None)
