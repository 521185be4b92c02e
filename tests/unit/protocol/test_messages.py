"""Every message goes through encoding and decoding unchanged, in each direction that it may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.ids import TaskId
from engineroom.protocol import messages
from engineroom.protocol.messages import Call, Finished, Ran, Result, Run, Stream, Submit
from engineroom.protocol.records import message_records
from engineroom.transport import decoders
from tests.examples import drawn
from tests.fuzz.of_the_table import every_message, good_messages, types_of

TASK = TaskId(b"t" * 24)

DIRECTIONS: dict[str, tuple[Any, Callable[[memoryview], list[Any]]]] = {
    "from a stranger": (messages.FromPeerHandshake, decoders.from_stranger),
    "from a client": (messages.FromClient, decoders.from_peer["client"]),
    "from an engine": (messages.FromEngine, decoders.from_peer["engine"]),
    "from a host": (messages.FromHost, decoders.from_peer["host"]),
    "to a client": (messages.ToClient, decoders.from_controller["client"]),
    "to an engine": (messages.ToEngine, decoders.from_controller["engine"]),
    "to a host": (messages.ToHost, decoders.from_controller["host"]),
    "to whoever knocks": (messages.FromControllerHandshake, decoders.from_controller["client"]),
}


def across(decode: Callable[[memoryview], list[Any]], sent: list[Any]) -> list[Any]:
    """Return what arrives of `sent`, in one record."""
    record = b"".join(message_records(sent))
    return decode(memoryview(record)[5:])


@pytest.mark.parametrize(
    ("direction", "kind"),
    [
        pytest.param(direction, kind, id=f"{kind.__name__} {direction}")
        for direction, (union, _) in DIRECTIONS.items()
        for kind in types_of(union)
    ],
)
@drawn(20)  # of each: there are a hundred kinds and directions
@given(data=st.data())
def test_it_arrives_as_it_was(direction: str, kind: type[msgspec.Struct], data: st.DataObject) -> None:
    told = data.draw(st.lists(good_messages(kind), min_size=1, max_size=3))
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=list[kind])  # type: ignore[valid-type]
    assert across(DIRECTIONS[direction][1], sent) == sent


def test_no_message_is_left_out_of_the_directions() -> None:
    assert {kind for union, _ in DIRECTIONS.values() for kind in types_of(union)} == set(every_message())


bodies = st.binary(max_size=50) | st.builds(Stream, st.integers(1, 2**32 - 1), st.integers(1, 2**44))


@given(bodies)
def test_bytes_and_streams_are_told_apart_wherever_a_payload_travels(body: bytes | Stream) -> None:
    call, outcome = Call(0, b"h" * 16, body), Ran(0, 0.0, 0.0)
    submit, run = Submit(TASK, call), Run(TASK, 1, call)
    finished, result = Finished(1, TASK, 1, outcome, body), Result(TASK, 0, messages.Outcome(0, 0.0, 0.0), body)
    assert across(decoders.from_peer["client"], [submit]) == [submit]
    assert across(decoders.from_controller["engine"], [run]) == [run]
    assert across(decoders.from_peer["engine"], [finished]) == [finished]
    assert across(decoders.from_controller["client"], [result]) == [result]


@pytest.mark.parametrize("body", [Stream(0, 5), Stream(1, 0), Stream(-1, 5), Stream(1, -5), Stream(2**32, 5)])
def test_a_stream_that_could_never_be_complete_is_refused(body: Stream) -> None:
    with pytest.raises(msgspec.ValidationError):
        across(decoders.from_peer["client"], [Submit(TASK, Call(0, b"", body))])
