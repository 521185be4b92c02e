"""Submitting a map, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from engineroom.client.maps.blamed_items import blamed
from engineroom.client.maps.map_results import AsyncMapResult
from engineroom.client.results.blocking import give_up
from engineroom.errors import PackError
from engineroom.protocol.streams import Packed
from engineroom.serialize.functions.packing import pack_call

OnError = Literal["continue", "stop"]
"""What a map does when an item fails: run the others and collect all errors, or end with the first."""


def stops(on_error: str, *, return_exceptions: bool) -> bool:
    """Return whether a map ends with its first error; ValueError if the options are invalid together."""
    if on_error not in {"continue", "stop"}:
        raise ValueError(f"on_error must be 'continue' or 'stop', not {on_error!r}")
    if on_error == "stop" and return_exceptions:
        raise ValueError("return_exceptions=True returns all errors as results, so it needs on_error='continue'")
    return on_error == "stop"


def submit_chunks(
    result: AsyncMapResult,
    columns: Sequence[Any],
    slices: Sequence[slice],
    submit: Callable[[Packed, int], None],
    *,
    stop: bool,
    copy: bool,
) -> None:
    """Call `submit(body, place)` for the chunk in each of `slices`; cancel what was submitted if that fails."""
    options: dict[str, Any] = {"stop": True} if stop else {}
    if not copy:
        result._tracked = True
    try:
        for place, cut in enumerate(slices):
            if result.done():
                return  # an item failed, and the map is to stop; or it was cancelled
            chunk = tuple(column[cut] for column in columns)
            submit(_pack(chunk, {**options, "first": cut.start}, copy=copy), place)
            result._note_size(place)
    except KeyboardInterrupt:
        give_up(result)
        raise
    except BaseException:
        result.abort()
        raise


def _pack(chunk: tuple[Any, ...], options: dict[str, Any], *, copy: bool) -> Packed:
    try:
        return pack_call(chunk, options, copy=copy)
    except PackError as error:
        raise blamed(chunk, options["first"]) or error from error.__cause__
