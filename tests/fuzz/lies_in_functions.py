"""Clients that send other code under the name of a function that an honest client is about to call."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import numpy as np

from engineroom.protocol.messages import Function, Stream
from engineroom.protocol.streams import Buffer
from engineroom.serialize.functions.packing import FunctionPacker, PackedFunction
from tests.fuzz.honest import Stage
from tests.fuzz.liar import Liar
from tests.fuzz.lies import heard_out, story
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
