"""Decoders of message records, one for each direction; what is not a message of that direction is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from engineroom.protocol import messages as m

Decode = Callable[[memoryview], list[Any]]

from_stranger: Decode = msgspec.msgpack.Decoder(list[m.FromPeerHandshake]).decode
"""At the controller, before a peer has proved its key."""

from_peer: dict[str, Decode] = {
    "client": msgspec.msgpack.Decoder(list[m.FromClient]).decode,
    "engine": msgspec.msgpack.Decoder(list[m.FromEngine]).decode,
    "host": msgspec.msgpack.Decoder(list[m.FromHost]).decode,
}
"""At the controller, by the peer's role."""

from_controller: dict[str, Decode] = {
    "client": msgspec.msgpack.Decoder(list[m.FromControllerHandshake | m.ToClient]).decode,
    "engine": msgspec.msgpack.Decoder(list[m.FromControllerHandshake | m.ToEngine]).decode,
    "host": msgspec.msgpack.Decoder(list[m.FromControllerHandshake | m.ToHost]).decode,
}
"""At a peer, by its own role."""
