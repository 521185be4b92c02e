"""The range of each kind of value that a message may hold: the one table, checked while a message is decoded.

Every field of a message has one of these types, or an enumeration. What no type can say is in `checks`. A value out of
range ends the connection of whoever sent it. Whole numbers stay within 63 bits, so that they can be added up and
encoded again.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

# `from engineroom import ids` would ask the package for a name that it does not have: 5 ms, for the explanation.
from engineroom.ids import SESSION_BYTES as _ID
from engineroom.ids import TASK_BYTES as _TASK
from engineroom.ids import Epoch as _AnyEpoch
from engineroom.ids import Instance as _AnyInstance
from engineroom.ids import TaskId as _AnyTaskId

MOST = 2**63 - 1
"""No number is higher."""

MOST_ENGINES = 2**20
"""Engine ids and ranks are below it."""

MOST_BYTES = 2**44
"""No payload is larger: 16 TiB."""

MOST_TEXT = 2**14
"""No text for people is longer, in characters; whoever makes one cuts it to much less (see `texts`)."""

MOST_OUTPUT = 2**17
"""So many characters of what a task wrote travel in one message."""

MOST_DISPLAY = 2**20 - 2**13
"""So many bytes of a displayed object travel in one message, which is one record."""

MOST_LISTED = 2**13
"""No list is longer; what may be longer travels as ranges or in pieces."""

MOST_TRIES = 2**31

WORD = 1024
"""No name is longer, in characters."""

INLINE_LIMIT = 64 * 1024
"""Payloads up to this many bytes travel inside their message, longer ones as a stream."""


TaskId = Annotated[_AnyTaskId, Meta(min_length=_TASK, max_length=_TASK)]
SomeTask = Annotated[bytes, Meta(max_length=_TASK)]
"""The id of a task, or b"" for none."""
Instance = Annotated[_AnyInstance, Meta(min_length=_ID, max_length=_ID)]
Epoch = Annotated[_AnyEpoch, Meta(min_length=_ID, max_length=_ID)]
Instances = Annotated[bytes, Meta(min_length=_ID, max_length=_ID * MOST_LISTED)]
"""Instances of engines, one after the other: coded far sooner than a list of them."""
SomeInstances = Annotated[bytes, Meta(max_length=_ID * MOST_LISTED)]
"""The same, or b"" for none."""
KnownEpoch = Annotated[bytes, Meta(max_length=_ID)]
"""An epoch, or b"" for none."""
Identity = Annotated[bytes, Meta(min_length=_ID, max_length=_ID)]
"""A session or an instance."""
SomeHost = Annotated[bytes, Meta(max_length=_ID)]
"""The instance of a host, or b"" for none."""
Hash = Annotated[bytes, Meta(min_length=16, max_length=16)]
SomeHash = Annotated[bytes, Meta(max_length=16)]
"""A hash, or b"" for none."""
Nonce = Annotated[bytes, Meta(max_length=64)]
Proof = Annotated[bytes, Meta(max_length=64)]
Secret = Annotated[bytes, Meta(max_length=64)]
Inline = Annotated[bytes, Meta(max_length=INLINE_LIMIT)]
"""A payload within its message."""

Number = Annotated[int, Meta(ge=0, le=MOST)]
"""Of a task, a result, a question, a ping, or of bytes or messages so far; 0 is none."""
Ordinal = Annotated[int, Meta(ge=1, le=MOST)]
"""Of an attempt, or of a result of an engine: they are counted from 1."""
MOST_SPANS = 2**12
Spans = Annotated[tuple[tuple[Identity, Number, Number], ...], Meta(max_length=MOST_SPANS)]
"""Consecutive tasks of one session: the session, the first and the last number. Others may send anything."""
Version = Annotated[int, Meta(ge=0, le=2**16)]
Tries = Annotated[int, Meta(ge=0, le=MOST_TRIES)]
"""How often something is tried again."""
MOST_PRIORITY = 2**31
Priority = Annotated[int, Meta(ge=-MOST_PRIORITY, le=MOST_PRIORITY)]
Size = Annotated[int, Meta(ge=0, le=MOST_BYTES)]
StreamId = Annotated[int, Meta(ge=0, le=2**32 - 1)]
"""As chunks name it; 0 is none."""
OpenStream = Annotated[int, Meta(ge=1, le=2**32 - 1)]
StreamSize = Annotated[int, Meta(ge=1, le=MOST_BYTES)]
"""Nothing at all is no stream: it would never be complete."""
EngineId = Annotated[int, Meta(ge=0, le=MOST_ENGINES - 1)]
SomeEngine = Annotated[int, Meta(ge=-1, le=MOST_ENGINES - 1)]
"""An engine id, or -1 for none. Also a rank, -1 for none."""
Engines = Annotated[int, Meta(ge=0, le=MOST_ENGINES)]
"""How many engines. Also how many ranks."""
Descriptor = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""Of an open file, as the process that has it counts them."""
OpenStreams = Annotated[tuple[OpenStream, ...], Meta(max_length=MOST_LISTED)]
Inodes = Annotated[tuple[Number, ...], Meta(max_length=MOST_LISTED)]
Pid = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Cores = Annotated[int, Meta(ge=0, le=2**20)]
Signum = Annotated[int, Meta(ge=1, le=64)]
"""Whether this machine has it is another question."""
OutputStream = Annotated[int, Meta(ge=1, le=2)]

Amount = Annotated[float, Meta(ge=0.0, le=1e18)]
"""Of a resource: bytes of memory, say."""

MOST_SECONDS = 1e10
Seconds = Annotated[float, Meta(ge=0.0, le=MOST_SECONDS)]
"""A duration: up to 300 years. No range admits NaN or infinity."""
WallTime = Annotated[float, Meta(ge=0.0, le=1e11)]
"""Seconds since 1970."""

Text = Annotated[str, Meta(max_length=MOST_TEXT)]
OutputText = Annotated[str, Meta(max_length=MOST_OUTPUT)]
DisplayJSON = Annotated[bytes, Meta(max_length=MOST_DISPLAY)]
"""Of an object, or a part of one; of an error or a message of a comm, which whoever makes them shortens."""
Word = Annotated[str, Meta(max_length=WORD)]
"""A name: of a machine, a role, a cluster."""
PathText = Annotated[str, Meta(max_length=2**14)]

LONGEST_NAME, MOST_NAMES = 200, 1000
Names = Annotated[tuple[Annotated[str, Meta(max_length=LONGEST_NAME)], ...], Meta(max_length=MOST_NAMES)]
"""Names that begin in some way, each with what it is an attribute of: as many as fit one message."""

Fewer = Meta(max_length=MOST_LISTED)
"""Of a list."""
Few = Meta(max_length=20)
"""Of a list that nobody needs whole."""
