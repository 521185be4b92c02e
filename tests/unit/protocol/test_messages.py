"""Every message goes through encoding and decoding unchanged, in each direction that it may take."""

from __future__ import annotations

from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engineroom.protocol import messages
from engineroom.protocol.messages import Call, Finished, Message, Run, Stream
from engineroom.protocol.records import message_records
from engineroom.transport import decoders

DIRECTIONS: dict[str, tuple[Any, Callable[[memoryview], list[Any]]]] = {
    "from a stranger": (messages.FromPeerHandshake, decoders.from_stranger),
    "from a client": (messages.FromClient, decoders.from_peer["client"]),
    "from an engine": (messages.FromEngine, decoders.from_peer["engine"]),
    "from a host": (messages.FromHost, decoders.from_peer["host"]),
    "to a client": (messages.ToClient, decoders.from_controller["client"]),
    "to an engine": (messages.ToEngine, decoders.from_controller["engine"]),
    "to a host": (messages.ToHost, decoders.from_controller["host"]),
    "welcome": (messages.FromControllerHandshake, decoders.from_controller["client"]),
}

plain: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(0, 2**63 - 1),
    float: st.floats(allow_nan=False),
    str: st.text(max_size=20),
    bytes: st.binary(max_size=40),
    bool: st.booleans(),
    type(None): st.none(),
    Any: st.none() | st.integers(0, 9) | st.text(max_size=5) | st.lists(st.integers(0, 9), max_size=2),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return what may stand in a field of this type."""
    hint = getattr(hint, "__supertype__", hint)
    if hint in plain:
        return plain[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return values(args[0])
    if origin in {Union, UnionType}:
        return st.one_of([values(arg) for arg in args])
    if origin is list or args[-1:] == (...,):
        return st.lists(values(args[0]), max_size=3).map(origin)
    if origin is not None:
        return {tuple: st.tuples, dict: st.dictionaries}[origin](*map(values, args))
    return examples(hint)


def examples(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Return any messages of this kind."""
    hints = get_type_hints(kind, include_extras=True)
    return st.builds(kind, *(values(hints[name]) for name in kind.__struct_fields__))


def kinds(union: Any) -> list[type[Any]]:
    return list(get_args(union))


@pytest.mark.parametrize(
    ("direction", "kind"),
    [
        pytest.param(name, kind, id=f"{kind.__name__} {name}")
        for name, (union, _) in DIRECTIONS.items()
        for kind in kinds(union)
    ],
)
@settings(max_examples=20)  # of each kind; there are a hundred kinds and directions
@given(data=st.data())
def test_it_arrives_as_it_was(direction: str, kind: type[Any], data: st.DataObject) -> None:
    sent = data.draw(st.lists(examples(kind), min_size=1, max_size=3))
    records = list(message_records(sent))
    assert DIRECTIONS[direction][1](memoryview(records[1])) == sent


def test_no_message_is_left_out_of_the_directions() -> None:
    assert {kind for union, _ in DIRECTIONS.values() for kind in kinds(union)} == set(kinds(Message))


@given(st.integers(1, 2**31), st.integers(1, 2**50))
def test_a_stream_and_inline_bytes_are_told_apart(number: int, size: int) -> None:
    for body in (b"", b"\x93\x01\x02\x03", Stream(number, size)):
        call = Run(messages.TaskId(b"t" * 24), 1, Call(0, b"", body))
        done = Finished(1, messages.TaskId(b"t" * 24), 1, messages.Outcome(0, 0.0, 0.0), body)
        for message, decode in ((call, decoders.from_controller["engine"]), (done, decoders.from_peer["engine"])):
            assert decode(memoryview(list(message_records([message]))[1])) == [message]
