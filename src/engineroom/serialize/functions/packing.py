"""Functions as bytes that travel once, and the calls that name them.

The bytes of a function begin with how it may be used (again and again, or to be unpacked for each call,
because it holds things that a call may change), and its name, for error messages.
"""

from __future__ import annotations

import functools
import struct
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from engineroom.errors import PackError
from engineroom.protocol.content_hashes import content_hash
from engineroom.serialize.buffers import LargeBuffers
from engineroom.serialize.frames import Buffer, Packed
from engineroom.serialize.functions.large_captures import WORTH_A_WORD, warn_of_size
from engineroom.serialize.functions.large_parts import LARGE, Part, PartStore
from engineroom.serialize.futures import noted
from engineroom.serialize.loading import loaded
from engineroom.serialize.modules.own import own
from engineroom.serialize.modules.prelude import needed_by
from engineroom.serialize.payloads import pack, pickled, unpickled
from engineroom.serialize.references import Reference, ReferencedCall

if TYPE_CHECKING:
    from engineroom.serialize.functions.sameness import Sameness

HEAD = struct.Struct("<BHH")
"""How a function may be used, the length of its name, the number of its parts; then come its name, the hashes of
its parts, 16 bytes each, and its pickle."""

REUSABLE, FRESH = 2, 3
_REMEMBERED = 512


class PackedFunction(NamedTuple):
    """`hash`: 16 bytes that stand for the content of `body` and `parts`; `name`: for people; `copied`: bytes of memory
    that were taken for its parts, 0 if they were known already."""

    hash: bytes
    body: bytes
    name: str
    parts: tuple[Part, ...] = ()
    copied: int = 0


_Remembered = dict[int, tuple[weakref.ref[Any], Any, PackedFunction]]


class FunctionPacker:
    """Packs functions; one that did not change is not packed again. For any number of threads."""

    def __init__(self) -> None:
        self._packed: _Remembered = {}
        self._called: dict[Callable[..., Any], _Remembered] = {}
        self._parts = PartStore()
        self._told: set[str] = set()
        self._carrying: dict[tuple[bytes, ...], PackedFunction] = {}
        self._lock = threading.RLock()  # a signal handler may submit while its thread is in here

    def __len__(self) -> int:
        """How many functions it remembers."""
        return len(self._packed) + sum(map(len, self._called.values()))

    def __bool__(self) -> bool:
        return True

    def pack(self, function: Callable[..., Any], caller: Callable[..., Any] | None = None) -> PackedFunction:
        """Return the function's bytes and their hash; PackError says what in it can't travel.

        `caller`: an importable function that is called with this one as its first argument, and travels with it.
        """
        entries = self._packed if caller is None else self._called.setdefault(caller, {})
        known = entries.get(id(function))
        if known is not None and known[0]() is function and known[1].holds(function):
            return known[2]
        # With cloudpickle; needed from the first function on.
        sameness: Sameness = loaded("engineroom.serialize.functions.sameness").Sameness()
        same = sameness.watches(function)
        travels = function if caller is None else functools.partial(caller, function)
        packed, modules = self._pack_anew(travels, REUSABLE if same else FRESH)
        if noted and same:  # a future in it is another result on each engine: see `futures`
            (packed, modules), same = self._pack_anew(travels, FRESH), False
        if modules:
            from engineroom.serialize.modules.shipping import shipping  # it is there, as it has put them in

            sameness.watches_also(shipping.watched(modules))
        if same:
            self._remember(entries, function, sameness, packed._replace(copied=0) if packed.copied else packed)
        if len(packed.body) + sum(part.length for part in packed.parts) >= WORTH_A_WORD:
            warn_of_size(travels, packed.name, self._told)
        return packed

    def carrying(
        self, function: PackedFunction | None, body: Packed, more: Sequence[Part] = ()
    ) -> PackedFunction | None:
        """Return `function` so that it brings along the modules that `body`, the arguments of a call, stands on.

        `more`: others that it is to bring along.
        """
        there = {part.hash for part in function.parts} if function is not None and function.parts else ()
        named = [own.shipped[digest] for digest in needed_by(body) if digest in own.shipped]
        lacking = {part.hash: part for part in (*named, *more) if part.hash not in there}
        if not lacking:
            return function
        key = b"" if function is None else function.hash, *lacking
        if any(part.stays for part in lacking.values()):  # it is let go once no call has it
            return _with_parts(function or _NO_FUNCTION, tuple(lacking.values()))
        known = self._carrying.get(key)
        if known is None:
            if len(self._carrying) >= _REMEMBERED:
                self._carrying.clear()
            self._carrying[key] = known = _with_parts(function or _NO_FUNCTION, tuple(lacking.values()))
        return known

    def _pack_anew(self, function: object, use: int) -> tuple[PackedFunction, bytes]:
        """Return the packed function, and its pickle if it stands on modules that travel."""
        name = name_of(function)
        words = name.encode()[:500]
        buffers = LargeBuffers(LARGE)
        pickle = pickled(_callable(function), buffers, what=f"the function {name!r}", root=name)
        try:
            found = [self._parts.part(buffer) for buffer in buffers]
        except MemoryError as error:
            from engineroom.serialize.refusals import sizes  # only needed now

            size = sizes.bytes_in(buffers)
            raise sizes.too_large(f"the function {name!r}", size, "what it uses") from error
        modules = _modules_of(pickle) if own.shipped else ()
        parts = (*(part for part, _ in found), *modules, *_published())
        hashes = [part.hash for part in parts]
        body = b"".join((HEAD.pack(use, len(words), len(parts)), words, *hashes, pickle))
        packed = PackedFunction(content_hash([body], hashes), body, name, parts, sum(new for _, new in found))
        return packed, pickle if modules else b""

    def _remember(
        self, entries: _Remembered, function: Callable[..., Any], sameness: Any, packed: PackedFunction
    ) -> None:
        key = id(function)
        try:
            reference = weakref.ref(function, lambda _: entries.pop(key, None))
        except TypeError:  # some callables can't be referred to weakly
            return
        with self._lock:
            entries[key] = reference, sameness, packed
            if len(entries) > _REMEMBERED:
                entries.pop(next(iter(entries)), None)


def _published() -> list[Part]:
    """Return the published values that are in what this thread has pickled for its next call."""
    if not noted:
        return []
    here = [part for future in noted.get(threading.get_ident(), ()) for part in future.modules if part.stays]
    return list({part.hash: part for part in here}.values())


def packed_again(digest: bytes, body: bytes, parts: tuple[Part, ...]) -> PackedFunction:
    """Return the function that was packed as `body` and `parts`, and has this hash."""
    return PackedFunction(digest, body, name_in(body), parts)


def name_in(body: bytes) -> str:
    """Return what people call the function whose body this is."""
    _, length, _ = HEAD.unpack_from(body)
    return body[HEAD.size : HEAD.size + length].decode(errors="replace")


_NO_FUNCTION = PackedFunction(b"", HEAD.pack(REUSABLE, 0, 0), "")
"""For calls of none, which bring along modules."""


_NO_ARGUMENTS = pack(((), {}))
"""One object for all calls without arguments."""


def _modules_of(pickle: bytes) -> Sequence[Part]:
    return [own.shipped[digest] for digest in needed_by(pickle) if digest in own.shipped]


def _with_parts(function: PackedFunction, more: Sequence[Part]) -> PackedFunction:
    use, length, _ = HEAD.unpack_from(function.body)
    parts = (*function.parts, *more)
    hashes = [part.hash for part in parts]
    start = HEAD.size + length
    words, pickle = function.body[HEAD.size : start], function.body[start + len(hashes[0]) * len(function.parts) :]
    body = b"".join((HEAD.pack(use, length, len(parts)), words, *hashes, pickle))
    return function._replace(hash=content_hash([body], hashes), body=body, parts=parts)


def _callable(function: object) -> object:
    if isinstance(function, Reference):
        return ReferencedCall(function.name)
    if not callable(function):
        raise PackError(f"expected a function, got an object of type {type(function).__qualname__!r}")
    return function


def name_of(function: object) -> str:
    """Return what people call `function`."""
    if isinstance(function, Reference):
        return function.name
    function = getattr(function, "func", function)  # of a partial
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return name.rpartition("<locals>.")[2] if isinstance(name, str) else type(function).__qualname__


def pack_call(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    copy: bool = True,
    name: str = "",
    function: Callable[..., Any] | None = None,
) -> Packed:
    """Return the packed arguments of a call; PackError says which one can't travel, and which part of it.

    `name`: the function's; `function`: it, for the names of its parameters.
    """
    if not args and not kwargs:
        return _NO_ARGUMENTS
    try:
        return pack((args, kwargs), copy=copy)
    except PackError as error:
        from engineroom.serialize.refusals.culprits import arguments, blame  # only needed now

        raise blame(arguments(args, kwargs, name, function), error) from error.__cause__


def unpack_call(packed: Buffer, *, name: str = "") -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return (args, kwargs) of a call that begins now."""
    try:
        return unpickled(packed)  # type: ignore[no-any-return]
    except Exception as error:
        from engineroom.serialize.failures.unpacking import explained  # only needed now

        made = explained(error, f"the arguments of {name!r}" if name else "the arguments")
        if made is error:
            raise
        raise made from error
