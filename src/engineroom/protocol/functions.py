"""What is said of functions, which travel apart from the calls that name them."""

from __future__ import annotations

from typing import Annotated

from engineroom.protocol.calls import Body, Header
from engineroom.protocol.ranges import Fewer, Hash, SomeHash, Word


class Function(Header, frozen=True, tag="function"):
    """The bytes of a function; also controller to engine. Sent before the first call that names its hash.

    `parts`: hashes of the parts that belong to it and are sent by themselves, ahead of it; None: it is such a part.
    `stays`: it is a published value, which is kept until it is Released. `name`: for people; "" if it has none.
    """

    hash: Hash
    body: Body = b""
    parts: Annotated[tuple[Hash, ...], Fewer] | None = ()
    stays: bool = False
    name: Word = ""


class NeedFunction(Header, frozen=True, tag="need"):
    """The function with this hash is not here (any more); also engine to controller. `of`: the function that a call
    names, of which this may be a part; b"" for none. `wrong`: something else came under this hash."""

    hash: SomeHash
    of: SomeHash = b""
    wrong: bool = False


class HoldsPublished(Header, frozen=True, tag="holds_published"):
    """An engine that comes back still has these published values; a client that has connected again needs them still.
    In pieces, if there are many."""

    hashes: Annotated[tuple[Hash, ...], Fewer]


class Released(Header, frozen=True, tag="released"):
    """A client needs this published value no more; also controller to engine, if no client does."""

    hash: Hash
