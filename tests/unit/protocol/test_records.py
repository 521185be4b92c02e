"""Records are cut out of any sequence of reads, and nothing that is not a record gets far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.errors import ProtocolError
from engineroom.ids import TASK_BYTES, TaskId
from engineroom.protocol.messages import Output, Ping
from engineroom.protocol.records import (
    MAX_RECORD,
    MAX_RECORD_BEFORE_TRUST,
    RecordReader,
    chunk_head,
    message_records,
)
from engineroom.transport import decoders

TASK = TaskId(b"t" * TASK_BYTES)


class Found:
    """Keeps what a reader finds in what it is fed."""

    def __init__(self, limit: int = MAX_RECORD_BEFORE_TRUST) -> None:
        self.reader = RecordReader(self, limit)
        self.records: list[bytes] = []
        self.chunks: list[tuple[int, bytes]] = []
        self._target = bytearray()

    def on_record(self, body: memoryview) -> None:
        self.records.append(bytes(body))

    def chunk_target(self, stream: int, size: int) -> memoryview:
        self._target = bytearray(size)
        return memoryview(self._target)

    def on_chunk(self, stream: int, size: int) -> None:
        assert len(self._target) == size
        self.chunks.append((stream, bytes(self._target)))

    def feed(self, data: bytes) -> None:
        while data:
            buffer = self.reader.buffer()
            taken = min(len(buffer), len(data))
            buffer[:taken] = data[:taken]
            self.reader.updated(taken)
            data = data[taken:]


def wire(*numbers: int) -> bytes:
    return b"".join(message_records([Ping(number) for number in numbers]))


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_chunks_survive_any_cut(chunks: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(wire(number) + chunk_head(7, len(chunk)) + chunk for number, chunk in enumerate(chunks))
    found, at, turn = Found(MAX_RECORD), 0, 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        found.feed(stream[at : at + step])
        at, turn = at + step, turn + 1
    assert found.chunks == [(7, chunk) for chunk in chunks]
    assert [decoders.from_peer["client"](memoryview(body)) for body in found.records] == [
        [Ping(number)] for number in range(len(chunks))
    ]
    assert found.reader.waiting == 0


def test_messages_of_one_tick_share_a_record() -> None:
    found = Found()
    found.feed(wire(1, 2, 3))
    (body,) = found.records
    assert decoders.from_peer["client"](memoryview(body)) == [Ping(1), Ping(2), Ping(3)]


def test_a_batch_longer_than_a_record_is_split_in_order() -> None:
    texts = [str(number) * 60_000 for number in range(10)] * 10
    messages = [Output(task=TASK, attempt=1, stream=1, seq=seq, text=text) for seq, text in enumerate(texts)]
    found = Found(MAX_RECORD)
    found.feed(b"".join(message_records(messages)))
    assert len(found.records) > 1
    decoded = [message for body in found.records for message in decoders.from_controller["client"](memoryview(body))]
    assert decoded == messages


def test_one_message_too_long_for_a_record_is_the_senders_fault() -> None:
    with pytest.raises(ProtocolError, match=r"Output message cannot be sent: it has \d+ bytes, and the limit"):
        list(message_records([Output(task=TASK, attempt=1, stream=1, seq=0, text="x" * MAX_RECORD)]))


@pytest.mark.parametrize(
    ("garbage", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "a record of"),
        (b"\0\0\0\0\0", "a record of 0 bytes"),
        ((MAX_RECORD_BEFORE_TRUST + 1).to_bytes(4) + b"\0", "the limit is 16384"),
        (b"\0\0\0\2\x09x", "of unknown kind 9"),
    ],
)
def test_garbage_is_refused(garbage: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        Found().feed(garbage)


def test_a_chunk_without_a_stream_is_refused() -> None:
    with pytest.raises(ProtocolError, match="without a stream"):
        Found().feed(b"\0\0\0\4\1abc")
