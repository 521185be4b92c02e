"""Each field of each message has a range, and what is out of range is no message."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from tests.examples import drawn
from tests.fuzz.of_the_table import bad_messages, every_message, good_messages, table, without_range

MESSAGES = every_message()

each_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)


@each_message
def test_every_field_has_a_range(message: type[msgspec.Struct]) -> None:
    assert [place for part in table(message).fields for place in without_range(part.type, part.name)] == []


@pytest.mark.parametrize("message", [each for each in MESSAGES if table(each).fields], ids=lambda each: each.__name__)
@drawn(60)
@given(data=st.data())
def test_what_is_out_of_range_is_refused(message: type[msgspec.Struct], data: st.DataObject) -> None:
    told = data.draw(bad_messages(message))

    with pytest.raises(msgspec.ValidationError):
        _decode(message, told)


@each_message
@drawn(20)
@given(data=st.data())
def test_what_is_in_range_is_taken_and_can_be_passed_on(message: type[msgspec.Struct], data: st.DataObject) -> None:
    """The controller passes on what one peer has said to another, which checks it as well."""
    taken = _decode(message, data.draw(good_messages(message)))

    assert isinstance(taken, message)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(taken), type=message) == taken


def _decode(message: type[msgspec.Struct], told: list[Any]) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=message)
