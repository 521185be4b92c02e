"""Streams go as far as both credits allow, take turns, and arrive whole."""

import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.errors import ProtocolError
from engineroom.machine.shared_memory import scarce
from engineroom.machine.shared_memory.scarce import LONG
from engineroom.protocol.records import CHUNK
from engineroom.protocol.streams import AssembledPayload, IncomingStreams, OutgoingStreams, Payload


def nothing() -> None:
    pass


def drain(streams: OutgoingStreams) -> list[tuple[int, bytes]]:
    chunks = []
    while (chunk := streams.next_chunk()) is not None:
        chunks.append((chunk[0], b"".join(chunk[1])))
    return chunks


def chunk(streams: IncomingStreams, stream: int, data: bytes) -> None:
    streams.target(stream, len(data))[:] = data
    streams.filled(stream, len(data))


def test_nothing_flows_without_the_receivers_word() -> None:
    streams = OutgoingStreams(nothing)
    streams.credit(0, 1000)
    stream = streams.open(Payload.of([b"abc"]))
    assert drain(streams) == []
    streams.credit(stream, 3)
    assert drain(streams) == [(stream, b"abc")]


def test_the_window_bounds_all_streams_together() -> None:
    streams = OutgoingStreams(nothing)
    first, second = (streams.open(Payload.of([bytes(10)])) for _ in range(2))
    streams.credit(first, 10)
    streams.credit(second, 10)
    streams.credit(0, 15)
    assert sum(len(data) for _, data in drain(streams)) == 15
    streams.credit(0, 5)
    assert sum(len(data) for _, data in drain(streams)) == 5


def test_long_streams_take_turns() -> None:
    streams = OutgoingStreams(nothing)
    size = 3 * CHUNK + 10  # the last chunk takes the rest along
    first, second = (streams.open(Payload.of([bytes(size)])) for _ in range(2))
    streams.credit(0, 2 * size)
    streams.credit(first, size)
    streams.credit(second, size)
    assert [stream for stream, _ in drain(streams)] == [first, second] * 3


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_of_what_the_far_end_has_hold_of_nothing_is_sent_and_it_is_kept_until_the_end(end: str) -> None:
    streams = OutgoingStreams(nothing)
    payload = Payload.of([b"abc"])
    watchers = sys.getrefcount(payload)
    stream = streams.open(payload)
    assert (len(streams.some), streams.left(stream)) == (1, 3)
    streams.held(stream)
    assert (len(streams.some), streams.left(stream)) == (0, 0)
    streams.credit(0, 1000)
    streams.credit(stream, 3)
    assert drain(streams) == []
    assert sys.getrefcount(payload) > watchers
    streams.cancel(stream) if end == "cancel" else streams.close()
    assert sys.getrefcount(payload) == watchers


def test_a_payload_that_still_arrives_is_passed_on_as_it_grows() -> None:
    ready: list[None] = []
    streams = OutgoingStreams(lambda: ready.append(None))
    payload = Payload(6)
    stream = streams.open(payload)
    streams.credit(0, 100)
    streams.credit(stream, 6)
    assert drain(streams) == []
    ready.clear()
    payload.add(memoryview(b"abc"))
    assert ready
    assert drain(streams) == [(stream, b"abc")]
    payload.add(memoryview(b"def"))
    assert drain(streams) == [(stream, b"def")]
    assert payload.complete


def test_a_payload_that_fails_ends_its_stream_with_the_reason() -> None:
    streams = OutgoingStreams(nothing)
    payload = Payload(6)
    stream = streams.open(payload)
    payload.fail("the client left")
    assert streams.failures() == [(stream, "the client left")]
    assert streams.failures() == []


def test_accept_asks_once() -> None:
    asked: list[str] = []
    payload = Payload(6, accept=lambda: asked.append("send"))
    payload.accept()
    payload.accept()
    assert asked == ["send"]


def test_more_bytes_than_announced_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="contains more"):
        AssembledPayload(2).add(memoryview(b"abc"))


def test_when_memory_runs_out_in_the_middle_the_rest_is_refused_and_what_came_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = LONG * 4
    monkeypatch.setattr(scarce, "suffices", lambda size: size <= left)
    incoming, said = IncomingStreams(window=100), list[str]()

    def refuse(reason: str) -> None:
        said.append(reason)
        incoming.cancel(1, reason)

    payload = AssembledPayload(LONG * 3, refuse=refuse)
    incoming.add(1, payload)
    chunk(incoming, 1, bytes(LONG))
    left = LONG
    chunk(incoming, 1, bytes(10))
    assert said == [payload.error] == ["no memory for 50,331,648 bytes"]
    assert payload.no_memory
    chunk(incoming, 1, bytes(10))
    with pytest.raises(MemoryError, match="50,331,648"):
        payload.buffer()
    with pytest.raises(MemoryError):
        AssembledPayload(LONG * 2)


def test_what_is_passed_on_is_refused_as_well_if_there_is_no_memory_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    left = LONG * 3
    monkeypatch.setattr(scarce, "suffices", lambda size: size <= left)
    incoming, said = IncomingStreams(window=100), list[str]()
    incoming.add(1, Payload(LONG * 3, refuse=said.append))
    left = 0
    chunk(incoming, 1, bytes(10))
    incoming.add(2, Payload(LONG - 1, refuse=said.append))
    chunk(incoming, 2, bytes(10))
    assert said == ["no memory for 50,331,648 bytes"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_what_a_forked_child_writes_to_a_payload_is_not_seen_here() -> None:
    payload = AssembledPayload(8 << 20)
    child = os.fork()
    if not child:
        payload.buffer()[:3] = b"abc"
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert payload.buffer()[:3] == bytes(3)


def test_credit_is_returned_in_quarters_of_the_window() -> None:
    incoming = IncomingStreams(window=100)
    payload = AssembledPayload(90)
    incoming.add(1, payload)
    chunk(incoming, 1, bytes(20))
    assert incoming.credit_due() == 0
    chunk(incoming, 1, bytes(20))
    assert incoming.credit_due() == 40
    chunk(incoming, 99, bytes(30))
    assert incoming.credit_due() == 30, "bytes of an unknown stream count too, or the window would leak"


@given(
    st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=6),
    st.lists(st.integers(1, 40), min_size=1, max_size=50),
)
def test_every_byte_arrives_in_order(segments: list[bytes], credit: list[int]) -> None:
    outgoing, incoming = OutgoingStreams(nothing), IncomingStreams(window=64)
    whole = b"".join(segments)
    received = AssembledPayload(len(whole))
    stream = outgoing.open(Payload.of(segments))
    incoming.add(stream, received)
    turn = 0
    while not received.complete:
        outgoing.credit(0, credit[turn % len(credit)])
        outgoing.credit(stream, credit[turn % len(credit)])
        for number, data in drain(outgoing):
            chunk(incoming, number, data)
        turn += 1
    assert received.buffer() == whole
