"""Decoders of message records, one for each direction; what is not a message of that direction is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import GenericAlias
from typing import Any, get_args

import msgspec

from engineroom.protocol import messages as m

Decode = Callable[[memoryview], list[Any]]


class _Decoders(dict[str, Decode]):
    """Decoders by role, each made when it is first used: that takes a millisecond, and a process uses one or two."""

    def __init__(self, **kinds: Any) -> None:
        super().__init__()
        self._kinds = kinds

    def __missing__(self, role: str) -> Decode:
        decode = self[role] = msgspec.msgpack.Decoder(GenericAlias(list, self._kinds[role])).decode
        return decode


def from_stranger(record: memoryview) -> list[Any]:
    """At the controller, before a peer has proved its key."""
    return _from_stranger["stranger"](record)


_from_stranger = _Decoders(stranger=m.FromPeerHandshake)

from_peer = _Decoders(client=m.FromClient, engine=m.FromEngine, host=m.FromHost, task=m.FromTask)
"""At the controller, by the peer's role."""

from_controller = _Decoders(
    client=m.FromControllerHandshake | m.ToClient,
    engine=m.FromControllerHandshake | m.ToEngine,
    host=m.FromControllerHandshake | m.ToHost,
    task=m.FromControllerHandshake | m.ToClient,
)
"""At a peer, by its own role."""

INVALID = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoders raise for whatever is not a list of messages in range."""

_PLACE = re.compile(r"(?P<what>.*) - at `\$\[(?P<message>\d+)\]\[(?P<field>\d+)\](?P<rest>.*)`", re.DOTALL)


def what_is_invalid(error: Exception, body: memoryview) -> str:
    """Return in words what `error`, one of INVALID, says of a record: which field of which message is wrong."""
    found = _PLACE.fullmatch(str(error))
    if found is None:
        return str(error)
    try:
        tag = msgspec.msgpack.decode(body)[int(found["message"])][0]
    except (*INVALID, TypeError, ValueError, LookupError):  # what follows the first mistake may be worse
        return str(error)
    kinds = {kind.__struct_config__.tag: kind for kind in get_args(m.Message)}
    if not isinstance(tag, str) or tag not in kinds:
        return f"there is no message {tag!r:.50}"
    kind, field = kinds[tag], int(found["field"]) - 1
    name = kind.__struct_fields__[field] if field < len(kind.__struct_fields__) else found["field"]
    return f"{kind.__name__}.{name}{found['rest']}: {found['what']}"
