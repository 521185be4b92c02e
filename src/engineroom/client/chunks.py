"""Maps in chunks: how a map is cut, and what runs on the engines. Engines import this file: keep it light."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import CoroutineType
from typing import Any

from engineroom.errors import RemoteError
from engineroom.ids import engine_uuid
from engineroom.serialize.failures import pack_failure, unpack_failure

_LEAST_SHARE = 64
"""No chunk need be smaller than this part of one engine's fair share."""


class Failed:
    """Stands in a chunk's results for the error of one item."""

    __slots__ = ("packed",)

    def __init__(self, error: BaseException) -> None:
        # The engine's name is filled in by the client, which knows where the chunk ran.
        _, body = pack_failure(error, engine_id=-1, instance=b"", method="map")
        self.packed = body if isinstance(body, bytes) else b"".join(body)

    def error(self, engine: int, instance: bytes | None) -> RemoteError:
        """Return the error, as if it had been raised by a task on this engine."""
        error = unpack_failure(self.packed)
        error.engine_info.update(engine_id=engine, engine_uuid=engine_uuid(instance))
        return error


def each_item(function: Callable[..., Any], /, *columns: Sequence[Any]) -> Any:
    """Return the results of `function` for each item of a chunk; for an `async def`, a coroutine of them."""
    results = list(map(function, *columns))
    return _in_turn(results) if results and type(results[0]) is CoroutineType else results


def each_item_or_error(function: Callable[..., Any], /, *columns: Sequence[Any]) -> Any:
    """Like `each_item`; where an item raised there is its error."""
    results = [_attempt(function, items) for items in zip(*columns, strict=False)]
    return _in_turn_or_error(results) if any(type(result) is CoroutineType for result in results) else results


def _attempt(function: Callable[..., Any], items: tuple[Any, ...]) -> Any:
    try:
        return function(*items)
    except Exception as error:  # noqa: BLE001 (it is the item's result)
        return Failed(error)


async def _in_turn(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    return [await coroutine for coroutine in coroutines]


async def _in_turn_or_error(results: list[Any]) -> list[Any]:
    for index, result in enumerate(results):
        if type(result) is CoroutineType:
            try:
                results[index] = await result
            except Exception as error:  # noqa: BLE001 (it is the item's result)
                results[index] = Failed(error)
    return results


def cuts(count: int, places: int, chunksize: int | None) -> Iterator[slice]:
    """Yield the slices into which a map over `count` items for `places` engines is cut.

    Without a `chunksize` the first ones are large, and the later ones ever smaller: each is its share of half of
    what is left (factoring; Hummel, Schonberg and Flynn 1992, doi:10.1145/135226.135232). So all engines end at
    about the same time whatever the items cost, and a map of a million items still has few chunks.
    """
    least = max(1, count // (places * _LEAST_SHARE))
    start = 0
    while start < count:
        size = max(least, (count - start) // (places * 2)) if chunksize is None else chunksize
        yield slice(start, min(count, start + size))
        start += size
