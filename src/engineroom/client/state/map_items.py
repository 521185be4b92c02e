"""The items of one chunk of a map, as its client sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.errors import CompositeError, RemoteError, remote_error
from engineroom.ids import engine_uuid
from engineroom.serialize.chunks.items import Failed, ItemsFailed
from engineroom.serialize.failures.packing import unpack_failure
from engineroom.serialize.payloads import unpack

if TYPE_CHECKING:
    from engineroom.ids import Instance


class FailedItem:
    """An item that has no result. `error` is created when it is first read."""

    __slots__ = ("_error", "_failed", "_index", "_models")

    def __init__(self, failed: Failed, index: int, models: Models) -> None:
        """`index`: which item of the map it is."""
        self._failed: Failed | None = failed
        self._index, self._models = index, models
        self._error: RemoteError | None = None

    @property
    def error(self) -> RemoteError:
        """What the item raised; its `item` is the index in the map, and a short repr of the arguments."""
        if self._error is None:
            assert self._failed is not None
            error = self._models.error(self._failed)
            self._error, self._failed = error.of_item(self._index, self._failed.arguments), None
        return self._error


class Models:
    """Makes the errors of a chunk's items. Those that are alike are unpacked once.

    `info`: where the chunk ran.
    """

    def __init__(self, info: dict[str, Any]) -> None:
        self._info = info
        self._unpacked: dict[bytes, RemoteError] = {}

    def error(self, failed: Failed) -> RemoteError:
        """Return a new error, as the item raised it."""
        if failed.own is None:
            error = unpack_failure(failed.packed)
            error.engine_info.update(self._info)
            return error
        model = self._unpacked.get(failed.packed)
        if model is None:
            model = self._unpacked[failed.packed] = unpack_failure(failed.packed)
        arguments, text = failed.own
        head = model.traceback.removesuffix(f"{model.ename}: {model.evalue}" if model.evalue else model.ename)
        trace = f"{head}{model.ename}: {text}" if text else f"{head}{model.ename}"
        original = None if model.original is None else type(model.original)(*arguments)
        return remote_error((model.ename, text, trace, {**model.engine_info, **self._info}), original)


class FailedChunk:
    """A chunk without any results: its engine died, it was cancelled, or its function could not be unpacked."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


def items_of(failure: ItemsFailed, engine: int, instance: Instance | None) -> list[Any]:
    """Return the results of a chunk, with a FailedItem where an item failed."""
    where = {"engine_id": engine, "engine_uuid": engine_uuid(instance), "method": "map"}
    models = Models(where)
    return [
        FailedItem(item, index, models) if type(item) is Failed else item
        for index, item in enumerate(unpack(failure.packed), failure.first)
    ]


def error_of(items: list[Any]) -> RemoteError:
    """Return one error for those of `items` that failed."""
    errors = [item.error for item in items if type(item) is FailedItem]
    return errors[0] if len(errors) == 1 else CompositeError("one or more items of a map failed", errors)
