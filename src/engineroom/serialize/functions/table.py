"""The functions that an engine has, and their parts."""

from __future__ import annotations

import builtins
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from engineroom.errors import EngineroomError
from engineroom.ids import SESSION_BYTES
from engineroom.serialize.by_value.arrivals import functions_in
from engineroom.serialize.frames import Buffer
from engineroom.serialize.functions.interactive import brought_by, home, keep_up
from engineroom.serialize.functions.large_parts import LARGE, ArrivedPart, is_part
from engineroom.serialize.functions.packing import HEAD, REUSABLE
from engineroom.serialize.modules.prelude import hashes_in
from engineroom.serialize.payloads import named_loading, unpickled
from engineroom.serialize.published import is_published

_BUILTINS = vars(builtins)
_HASH = 16
_WANTED = 8
"""Functions whose parts are on the way at the same time."""


class MissingFunction(EngineroomError):
    """No function, or part of one, with this hash is here (any more), or what came was another."""

    def __init__(self, digest: bytes) -> None:
        self.hash = digest
        super().__init__(digest.hex())


class FunctionTable:
    """The functions that an engine has, the least recently used ones forgotten.

    At most `capacity` functions, and `max_bytes` of them and their parts. `add` may be called in any thread, `get`
    unpacks in the thread that calls it.
    """

    def __init__(self, capacity: int = 1000, max_bytes: int = 256 << 20) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._bytes = self._parts = 0
        self._entries: OrderedDict[bytes, _Function | ArrivedPart | _Published] = OrderedDict()
        self._too_large: dict[bytes, int] = {}
        """What there was no memory for, by size, until the first call has been told so."""
        self._unchecked: dict[bytes, Callable[[], bool]] = {}
        self._wrong: set[bytes] = set()
        self._wanted: OrderedDict[bytes, tuple[bytes, ...]] = OrderedDict()
        self._latest: Any = self
        """What was used last: that and its parts come last, and stay there until something else is used or comes."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries) - self._parts

    def __contains__(self, digest: object) -> bool:
        return digest in self._entries

    def add(
        self,
        digest: bytes,
        body: Buffer,
        matches: Callable[[], bool] | None = None,
        mapper: Callable[[], memoryview] | None = None,
    ) -> None:
        """Keep the bytes of a function, or of a part, under its hash.

        `matches()`: whether they have this hash, asked before their first use; None: that is certain. `mapper`: maps
        them once more, if they are mapped.
        """
        if digest in self._entries:
            return
        entry = _arrived(body, mapper)
        with self._lock:
            if digest in self._entries:
                return
            self._entries[digest] = entry
            if matches is not None:
                self._unchecked[digest] = matches
            self._latest = self
            self._bytes += entry.size
            self._parts += type(entry) is not _Function
            self._forget(digest)

    def add_nothing(self, digest: bytes, size: int) -> None:
        """Have the next call of a function, for which or for a part of which there is no memory, say so."""
        with self._lock:
            if len(self._too_large) > _WANTED:
                self._too_large.clear()
            self._too_large[digest] = size

    def _miss(self, digest: bytes) -> NoReturn:
        if not digest:  # nobody could send it
            raise TypeError("this call names no function")
        size = self._too_large.pop(digest, None)
        if size is None:
            raise MissingFunction(digest)
        raise MemoryError(f"this engine has no memory for the {size:,} bytes of this function, or of what it captures")

    def get(self, digest: bytes, task: bytes = b"") -> Callable[..., Any]:
        """Return the function, for `task`: whether the namespace hides names of it is found out once for each client.

        MissingFunction: ask for what it names, `add` it, and try again. Unpacking may raise anything.
        """
        if self._unchecked:
            self._check(digest)
        parts: tuple[ArrivedPart, ...] = ()
        with self._lock:
            entry: Any = self._entries.get(digest)
            if entry is not self._latest or entry.ready is None:
                if entry is None:
                    self._miss(digest)
                if entry.parts:
                    parts = self._parts_of(digest, entry)
                self._entries.move_to_end(digest)
                self._latest = entry
        if entry.ready is None:
            return entry.load(parts, task)  # type: ignore[no-any-return]
        if entry.brought is not None or (entry.modules and entry.modules != home.in_place):
            entry.look_around(task)
        return entry.ready  # type: ignore[no-any-return]

    def ensure(self, digest: bytes) -> None:
        """Have all parts of a function here. MissingFunction: ask for what it names, `add` it, and try again."""
        if self._unchecked:
            self._check(digest)
        with self._lock:
            entry: Any = self._entries.get(digest)
            if entry is None:
                self._miss(digest)
            if entry.parts:
                self._parts_of(digest, entry)

    def was_wrong(self, digest: bytes) -> bool:
        """Return, once, whether what came under this hash was something else."""
        wrong = digest in self._wrong
        self._wrong.discard(digest)
        return wrong

    def _check(self, digest: bytes) -> None:
        """See that a function that is here, and its parts, are what they should be, before anything of it is used."""
        self._check_one(digest)
        for part in getattr(self._entries.get(digest), "parts", ()):
            self._check_one(part)

    def _check_one(self, digest: bytes) -> None:
        matches = self._unchecked.get(digest)
        if matches is None:
            return
        if matches():
            self._unchecked.pop(digest, None)
            return
        with self._lock:
            if self._unchecked.get(digest) is matches:
                self._wrong.add(digest)
                self._drop(digest)
        raise MissingFunction(digest)

    def content(self, digest: bytes) -> bytes | None:
        """Return the bytes of a part, None if it is not here, or is no bytes."""
        with self._lock:
            entry = self._entries.get(digest)
        return bytes(entry.content()) if type(entry) is ArrivedPart else None

    def published(self, digest: bytes) -> Buffer | None:
        """Return a published value, packed, None if it is not here (any more)."""
        entry = self._entries.get(digest)
        return entry.body if type(entry) is _Published else None

    def all_published(self) -> list[bytes]:
        """Return the hashes of the published values that are here."""
        with self._lock:
            return [digest for digest, entry in self._entries.items() if type(entry) is _Published]

    def release(self, digest: bytes) -> None:
        """Let go of a published value."""
        with self._lock:
            if type(self._entries.get(digest)) is _Published:
                self._latest = self
                self._drop(digest)

    def _parts_of(self, digest: bytes, entry: _Function) -> tuple[ArrivedPart, ...]:
        missing = [part for part in entry.parts if part not in self._entries]
        if missing:
            # Until all of them are here, none of them is forgotten.
            self._wanted[digest] = entry.parts
            if len(self._wanted) > _WANTED:
                self._wanted.popitem(last=False)
            self._miss(missing[0])
        self._wanted.pop(digest, None)
        for part in entry.parts:
            self._entries.move_to_end(part)
        return tuple(self._entries[part] for part in entry.parts)  # type: ignore[misc]  # they are parts

    def _forget(self, newest: bytes) -> None:
        """Make room, `newest` having come."""
        if len(self) <= self._capacity and self._bytes <= self._max_bytes:
            return
        needed = {newest, *self._wanted, *(part for parts in self._wanted.values() for part in parts)}
        for digest in self._in_order():
            surplus = self._bytes > self._max_bytes
            entry = self._entries.get(digest)
            if entry is None or digest in needed or type(entry) is _Published:
                continue
            if not (surplus or type(entry) is _Function):
                continue
            if not surplus and len(self) <= self._capacity:
                return
            self._drop(digest)

    def _in_order(self) -> Iterator[bytes]:
        """Yield what to forget first, the oldest ones first: for too many bytes what is large."""
        if self._bytes > self._max_bytes:
            yield from [digest for digest, entry in self._entries.items() if entry.size >= LARGE]
        yield from tuple(self._entries)

    def _drop(self, digest: bytes) -> None:
        entry = self._entries.pop(digest)
        self._unchecked.pop(digest, None)
        self._bytes -= entry.size
        if type(entry) is not _Function:
            self._parts -= 1
            # An unpacked function holds its parts, so it goes with each of them.
            for other, function in tuple(self._entries.items()):
                if type(function) is _Function and digest in function.parts and other in self._entries:
                    self._drop(other)


def _arrived(body: Buffer, mapper: Callable[[], memoryview] | None) -> _Function | ArrivedPart | _Published:
    if is_published(body):
        return _Published(body)
    return ArrivedPart(body, mapper) if is_part(body) else _Function(memoryview(body))


class _Published:
    """A published value as it arrived, in shared memory if it can be. It takes none of what functions may take."""

    __slots__ = ("body",)
    size = 0

    def __init__(self, body: Buffer) -> None:
        self.body = body

    def content(self) -> memoryview:
        """Return what a function is unpacked with: nothing."""
        return memoryview(b"")


class _Function:
    """`brought`: the names that came with the function; `builtins`: how many builtins there were then.

    `clients`: the sessions that know which of these names the namespace hides. `modules`: the hashes of those that it
    stands on.
    """

    __slots__ = ("_name", "_pickle", "_use", "brought", "builtins", "clients", "modules", "parts", "ready", "size")

    def __init__(self, body: memoryview) -> None:
        self._use, length, count = HEAD.unpack(bytes(body[: HEAD.size]).ljust(HEAD.size, b"\0"))
        start = HEAD.size + length
        end = start + count * _HASH
        self._name = bytes(body[HEAD.size : start]).decode(errors="replace")
        self.parts = tuple(bytes(body[place : place + _HASH]) for place in range(start, end, _HASH))
        self._pickle = body[end:]
        self.size = len(body)
        self.ready: Callable[..., Any] | None = None
        self.brought: dict[str, Any] | None = None
        self.builtins = 0
        self.clients: set[bytes] = set()
        self.modules = b""

    def load(self, parts: tuple[ArrivedPart, ...], task: bytes) -> Callable[..., Any]:
        resolved = home.resolved
        with named_loading(f"the function {self._name!r}"):
            function: Callable[..., Any] = unpickled(self._pickle, [part.content() for part in parts])
            if self.parts:
                self.modules = hashes_in(self._pickle)
        if self._use == REUSABLE and home.resolved == resolved:
            self.ready, self._pickle = function, memoryview(b"")
            self.brought, self.builtins = brought_by(function), len(_BUILTINS)
            self.clients = {task[:SESSION_BYTES]}
        return function

    def _meet(self, client: bytes) -> None:
        """Let another client know which names the namespace hides by now."""
        self.clients.add(client)
        namespace, brought = home.namespace, self.brought
        if namespace is None or not brought or brought.keys().isdisjoint(namespace.keys() - _BUILTINS.keys()):
            return
        from engineroom.serialize.functions.shadows import hidden_names  # seldom needed, and it takes a while

        captured = {name: value for name, value in brought.items() if value is not _BUILTINS.get(name)}
        for function in functions_in(self.ready):
            home.shadowed += hidden_names(function, captured, namespace)

    def look_around(self, task: bytes) -> None:
        """Before the function runs for `task`: see to its modules, to new builtins, and who asks."""
        if self.modules and self.modules != home.in_place:
            from engineroom.serialize.modules.arriving import arrive  # it is there, as they have come

            arrive(self.modules)
        if self.brought is None:
            return
        if self.builtins != len(_BUILTINS):
            keep_up(self.brought)
            self.builtins = len(_BUILTINS)
        client = task[:SESSION_BYTES]
        if client not in self.clients:
            self._meet(client)
