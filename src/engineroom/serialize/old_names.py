"""What scripts written for ipyparallel call to pack values themselves.

Packed values are lists of buffers, for programs that send them on their own. Calls through views need none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engineroom.serialize.payloads import pack, unpack
from engineroom.serialize.rules import otherwise

Buffers = list[Any]


def serialize_object(obj: object, buffer_threshold: int = 1024, item_threshold: int = 64) -> Buffers:
    """Return `obj` as a list of buffers. PackError: it can't be sent.

    `buffer_threshold` and `item_threshold` have no meaning here.
    """
    del buffer_threshold, item_threshold
    body = pack(obj)
    return [body if isinstance(body, bytes) else b"".join(body)]


def deserialize_object(buffers: Sequence[Any], g: Mapping[str, Any] | None = None) -> tuple[Any, Buffers]:
    """Return what `serialize_object` was given, and the buffers that follow it. `g` has no meaning here."""
    del g
    return unpack(bytearray(buffers[0])), list(buffers[1:])


def pack_apply_message(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    buffer_threshold: int = 1024,
    item_threshold: int = 64,
) -> Buffers:
    """Return the call `f(*args, **kwargs)` as a list of buffers. PackError: something in it can't be sent.

    `buffer_threshold` and `item_threshold` have no meaning here.
    """
    return serialize_object((f, tuple(args), dict(kwargs)), buffer_threshold, item_threshold)


def unpack_apply_message(
    bufs: Sequence[Any],
    g: Mapping[str, Any] | None = None,
    copy: bool = True,  # noqa: FBT001, FBT002 (as users write it)
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """Return function, arguments and keyword arguments of `bufs`, which `pack_apply_message` made.

    `g` and `copy` have no meaning here.
    """
    del copy
    (f, args, kwargs), _ = deserialize_object(bufs, g)
    return f, args, kwargs


def use_pickle() -> None:
    """End what `use_dill` has begun in this process. Values are pickled with plain pickle wherever that works."""
    otherwise.clear()


def use_cloudpickle() -> None:
    """End what `use_dill` has begun in this process. Cloudpickle sends what plain pickle cannot."""
    otherwise.clear()


def use_dill() -> None:
    """Have this process send with dill what neither pickle nor cloudpickle can send, such as open files and locks.

    ModuleNotFoundError: dill is not installed here. Where such values arrive, it must be installed, too.
    """
    from engineroom.serialize.by_value.dilled import DillPickler, find_dill  # few ask for it

    find_dill()
    otherwise[:] = [DillPickler]


__all__ = [
    "deserialize_object",
    "pack_apply_message",
    "serialize_object",
    "unpack_apply_message",
    "use_cloudpickle",
    "use_dill",
    "use_pickle",
]
