"""Functions as bytes that travel once, and the calls that name them.

The bytes of a function begin with how it may be used (again and again, or to be unpacked for each call,
because it holds things that a call may change), and its name, for error messages.
"""

from __future__ import annotations

import builtins
import struct
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from engineroom.errors import EngineroomError, PackError
from engineroom.serialize.frames import Body, Buffer
from engineroom.serialize.interactive import brought_by, home, keep_up
from engineroom.serialize.payloads import named_loading, pack, pickled, unpickled
from engineroom.serialize.references import Reference, ReferencedCall

_HEAD = struct.Struct("<BH")
_REUSABLE, _FRESH = 2, 3
_REMEMBERED = 512
_BUILTINS = vars(builtins)


class PackedFunction(NamedTuple):
    """`hash`: 16 bytes that stand for the content of `body`; `name`: for people."""

    hash: bytes
    body: bytes
    name: str


class MissingFunction(EngineroomError):
    """No function with this hash is here (any more)."""

    def __init__(self, digest: bytes) -> None:
        self.hash = digest
        super().__init__(digest.hex())


class FunctionPacker:
    """Packs functions; one that did not change is not packed again. For any number of threads."""

    def __init__(self) -> None:
        self._packed: dict[int, tuple[weakref.ref[Any], Any, PackedFunction]] = {}
        self._lock = threading.Lock()

    def pack(self, function: Callable[..., Any]) -> PackedFunction:
        """Return the function's bytes and their hash; PackError says what in it can't travel."""
        known = self._packed.get(id(function))
        if known is not None and known[0]() is function and known[1].holds(function):
            return known[2]
        from engineroom.serialize.sameness import Sameness  # with cloudpickle; needed from the first function on

        sameness = Sameness()
        same = sameness.watches(function)
        packed = _packed(function, _REUSABLE if same else _FRESH)
        if same:
            self._remember(function, sameness, packed)
        return packed

    def _remember(self, function: Callable[..., Any], sameness: Any, packed: PackedFunction) -> None:
        key, entries = id(function), self._packed
        try:
            reference = weakref.ref(function, lambda _: entries.pop(key, None))
        except TypeError:  # some callables can't be referred to weakly
            return
        with self._lock:
            entries[key] = reference, sameness, packed
            if len(entries) > _REMEMBERED:
                entries.pop(next(iter(entries)), None)


def _packed(function: object, use: int) -> PackedFunction:
    name = name_of(function)
    value = ReferencedCall(function.name) if isinstance(function, Reference) else function
    if not callable(value):
        raise PackError(f"expected a function, got an object of type {type(function).__qualname__!r}")
    words = name.encode()[:500]
    body = b"".join((_HEAD.pack(use, len(words)), words, pickled(value, what=f"the function {name!r}", root=name)))
    return PackedFunction(blake2b(body, digest_size=16).digest(), body, name)


def name_of(function: object) -> str:
    """Return what people call `function`."""
    if isinstance(function, Reference):
        return function.name
    function = getattr(function, "func", function)  # of a partial
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return name.rpartition("<locals>.")[2] if isinstance(name, str) else type(function).__qualname__


class FunctionTable:
    """The functions that an engine has, the least recently used ones forgotten.

    At most `capacity` functions and `max_bytes` of them. `add` may be called in any thread, `get`
    unpacks in the thread that calls it.
    """

    def __init__(self, capacity: int = 1000, max_bytes: int = 256 << 20) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, digest: object) -> bool:
        return digest in self._entries

    def add(self, digest: bytes, body: Buffer) -> None:
        """Keep a function's bytes under its hash."""
        with self._lock:
            if digest in self._entries:
                return
            self._entries[digest] = _Entry(bytes(body))
            self._bytes += len(body)
            while len(self._entries) > 1 and (len(self._entries) > self._capacity or self._bytes > self._max_bytes):
                self._bytes -= self._entries.popitem(last=False)[1].size

    def get(self, digest: bytes) -> Callable[..., Any]:
        """Return the function.

        MissingFunction: ask for it, then `add` it. Unpacking may raise anything.
        """
        with self._lock:
            entry = self._entries.get(digest)
            if entry is None:
                raise MissingFunction(digest)
            self._entries.move_to_end(digest)
        if entry.ready is None:
            return entry.load()
        if entry.brought is not None and entry.builtins != len(_BUILTINS):
            entry.keep_up()
        return entry.ready


class _Entry:
    """`brought`: the names that came with the function; `builtins`: how many builtins there were then."""

    __slots__ = ("body", "brought", "builtins", "ready", "size")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.size = len(body)
        self.ready: Callable[..., Any] | None = None
        self.brought: dict[str, Any] | None = None
        self.builtins = 0

    def load(self) -> Callable[..., Any]:
        use, length = _HEAD.unpack_from(self.body)
        start = _HEAD.size + length
        resolved = home.resolved
        name = self.body[_HEAD.size : start].decode(errors="replace")
        with named_loading(f"the function {name!r}"):
            function: Callable[..., Any] = unpickled(memoryview(self.body)[start:])
        if use == _REUSABLE and home.resolved == resolved:
            self.ready, self.body = function, b""
            self.brought, self.builtins = brought_by(function), len(_BUILTINS)
        return function

    def keep_up(self) -> None:
        """Let the function see builtins that have appeared since it came."""
        assert self.brought is not None
        keep_up(self.brought)
        self.builtins = len(_BUILTINS)


def pack_call(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    copy: bool = True,
    name: str = "",
    function: Callable[..., Any] | None = None,
) -> Body:
    """Return the packed arguments of a call; PackError says which one can't travel, and which part of it.

    `name`: the function's; `function`: it, for the names of its parameters.
    """
    try:
        return pack((args, kwargs), copy=copy)
    except PackError as error:
        from engineroom.serialize.culprits import arguments, blame  # only needed now

        raise blame(arguments(args, kwargs, name, function), error) from error.__cause__


def unpack_call(packed: Buffer, *, name: str = "") -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return (args, kwargs) of a call that begins now."""
    try:
        return unpickled(packed)  # type: ignore[no-any-return]
    except (ImportError, AttributeError):
        with named_loading(f"the arguments of {name!r}" if name else "the arguments"):
            return unpickled(packed)  # type: ignore[no-any-return]
