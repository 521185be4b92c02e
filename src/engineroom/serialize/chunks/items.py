"""A chunk of a map: every item runs, and each error is that of its item.

Clients send `each_item` to engines by its name, and both sides read what it makes: keep this file light.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from types import CoroutineType
from typing import Any

from engineroom.errors import PackError, TaskAborted
from engineroom.serialize.chunks.item_text import text_of
from engineroom.serialize.chunks.likeness import Likeness, likeness_of
from engineroom.serialize.chunks.running import running_chunk
from engineroom.serialize.failures.packing import pack_failure
from engineroom.serialize.frames import Packed
from engineroom.serialize.payloads import pack, pickled

_DESCRIBED = 100
"""So many failed items of a chunk are described: a `repr` may be slow, and people read the first few."""

Await = Callable[[Coroutine[Any, Any, Any]], Any]
"""Returns what a coroutine returns."""


class Failed:
    """Stands in a chunk's results for the error of one item.

    `packed`: the packed failure; the client, which knows where the chunk ran, fills in the engine. `arguments`: a
    short repr of what the item was called with, "" if there is none. `own`: None or, for an error that is like the
    packed one but for these, its `args` and its text.
    """

    __slots__ = ("arguments", "own", "packed")

    def __init__(self, packed: bytes, arguments: str = "", own: tuple[tuple[Any, ...], str] | None = None) -> None:
        self.packed, self.arguments, self.own = packed, arguments, own

    def __reduce__(self) -> tuple[Any, ...]:
        return Failed, (self.packed, self.arguments, self.own)


class ItemsFailed(Exception):
    """Some items of a chunk failed.

    `packed`: the packed list of all results, with `Failed` where an item raised; `first`: the index of the first item.
    """

    def __init__(self, summary: str, packed: bytes, first: int) -> None:
        super().__init__(summary)
        self.summary, self.packed, self.first = summary, packed, first

    def __reduce__(self) -> tuple[Any, ...]:
        return ItemsFailed, (self.summary, self.packed, self.first)


class Results:
    """The results of a chunk in which no item failed; travels as the list `items`."""

    __slots__ = ("columns", "first", "items")

    def __init__(self, items: list[Any], columns: Sequence[Sequence[Any]], first: int) -> None:
        self.items, self.columns, self.first = items, columns, first

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (self.items,)

    def packed(self, complete: Await) -> Packed:
        """Return the packed list. ItemsFailed, if the results of some items cannot travel.

        `complete` runs coroutines, which functions may return that are not `async` themselves.
        """
        try:
            return pack(self.items, what="the result")
        except PackError as error:
            problem = error
        chunk = _Chunk(self.columns, self.items, self.first)
        if any(type(item) is CoroutineType for item in self.items):
            return pack(complete(chunk.awaited()).items, what="the result")
        chunk.refuse_what_cannot_travel()
        if chunk.failed:
            raise chunk.failure()
        raise problem


def each_item(function: Callable[..., Any], /, *columns: Sequence[Any], first: int = 0, stop: bool = False) -> Any:
    """Return the Results of `function` for each item of a chunk; for an `async def`, a coroutine of them.

    The columns have one length. `first`: the index of the first item. `stop`: run no item after one that failed.
    ItemsFailed: some items failed.
    """
    process = os.getpid()
    results: list[Any] = []
    items = iter(columns[0])
    calls = map(function, items, *columns[1:])
    problem: BaseException | None = None
    running_chunk.begin(items)
    try:
        results.extend(calls)  # keeps what came before an error
    except BaseException as error:
        if os.getpid() != process:
            raise  # a child that the function forked: it runs no further items
        problem = error
    count = len(columns[0])
    if problem is None and len(results) == count:
        if count and type(results[0]) is CoroutineType:
            return _Chunk(columns, results, first, stop=stop).awaited()
        return Results(results, columns, first)
    chunk = _Chunk(columns, results, first, stop=stop)
    chunk.go_on(calls, problem)
    return chunk.awaited() if any(type(result) is CoroutineType for result in results) else chunk.end()


class _Chunk:
    """The results of a chunk in which not all went well, or not all is known yet.

    `failed`: "Name: text" of each error, by the item's index.
    """

    def __init__(self, columns: Sequence[Sequence[Any]], results: list[Any], first: int, *, stop: bool = False) -> None:
        self.columns, self.results, self.first, self.stop = columns, results, first, stop
        self._process = os.getpid()
        self.failed: dict[int, str] = {}
        self._models: dict[Likeness, tuple[Failed, object]] = {}

    def go_on(self, calls: Iterator[Any], problem: BaseException | None) -> None:
        """Run the items after one that raised `problem`; None: `extend` found the end of the items too early."""
        results, count = self.results, len(self.columns[0])
        while not self.fail(len(results), problem or _early_end()) and len(results) < count:
            try:
                results.extend(calls)
                problem = None
            except BaseException as error:  # noqa: BLE001 (SystemExit too is the item's error)
                problem = error
            if problem is None and len(results) == count:
                return

    def fail(self, index: int, problem: BaseException) -> bool:
        """Note that item `index` raised `problem`; True if no further item is to run."""
        if os.getpid() != self._process:
            raise problem  # a child that the function forked: it runs no further items
        arguments = text_of(self.columns, index) if len(self.failed) < _DESCRIBED else ""
        self.failed[index], failed = self._describe(_as_judged(problem), arguments)
        self._put(index, failed)
        if not self.stop and not isinstance(problem, KeyboardInterrupt):
            return False
        why = "an earlier item failed" if self.stop else "its chunk was interrupted"
        _, unrun = self._describe(TaskAborted(f"this item did not run: {why}"), "")
        for later in range(index + 1, len(self.columns[0])):
            self._put_unrun(later, unrun)
        return True

    async def awaited(self) -> Results:
        """Await the coroutines among the results, one after the other."""
        for index, result in enumerate(self.results):
            if type(result) is not CoroutineType:
                continue
            try:
                self.results[index] = await result
            except BaseException as error:  # noqa: BLE001 (SystemExit too is the item's error)
                # What the engine cancels is not the item but all of them: the call was interrupted.
                if self.fail(index, KeyboardInterrupt() if _is_cancelled() else error):
                    break
            if running_chunk.withdrawn and index + 1 < len(self.results):
                self.fail(index + 1, KeyboardInterrupt())
                break
        return self.end()

    def end(self) -> Results:
        """Return the results; ItemsFailed if there are errors among them."""
        if self.failed:
            raise self.failure()
        return Results(self.results, self.columns, self.first)

    def failure(self) -> ItemsFailed:
        """Return the results, with their errors, as an exception."""
        try:
            packed = pack(self.results)
        except PackError:
            self.refuse_what_cannot_travel()
            packed = pack(self.results)
        index = min(self.failed)
        first = f"item {self.first + index}: {self.failed[index]}"
        count = len(self.failed)
        summary = first if count == 1 else f"{count} of {len(self.results)} items failed; {first}"
        return ItemsFailed(summary, _in_one_piece(packed), self.first)

    def refuse_what_cannot_travel(self) -> None:
        """Put an error where a result cannot be packed."""
        for index, result in enumerate(self.results):
            try:
                pickled(result, what="the result")
            except PackError as error:
                self.fail(index, error)

    def _put(self, index: int, failed: Failed) -> None:
        if index >= len(self.results):
            self.results.append(failed)
            return
        result = self.results[index]
        if type(result) is CoroutineType:
            result.close()  # one that never ran would say so on stderr
        self.results[index] = failed

    def _put_unrun(self, index: int, unrun: Failed) -> None:
        if index >= len(self.results) or type(self.results[index]) is CoroutineType:
            self._put(index, unrun)

    def _describe(self, problem: BaseException, arguments: str) -> tuple[str, Failed]:
        likeness, alive = likeness_of(problem)
        if likeness in self._models:
            text = str(problem)
            model, _ = self._models[likeness]
            return f"{type(problem).__name__}: {text}", Failed(model.packed, arguments, (problem.args, text))
        summary, body = pack_failure(problem, engine_id=-1, instance=b"", method="map")
        failed = Failed(_in_one_piece(body), arguments)
        if likeness is not None:
            self._models[likeness] = failed, alive
        return summary, failed


def _early_end() -> BaseException:
    """Return why the items have come to an end: the chunk was withdrawn, or the function raised StopIteration."""
    if running_chunk.withdrawn:
        return KeyboardInterrupt()
    error = StopIteration()
    error.add_note("The function raised StopIteration, as next() does at the end of an iterator.")
    return error


def _as_judged(problem: BaseException) -> BaseException:
    """Return the error of an item that raised `problem`: another one, if the engine had a reason to interrupt it."""
    verdict = running_chunk.verdict
    if verdict is None or not isinstance(problem, KeyboardInterrupt):
        return problem
    running_chunk.verdict = None  # the traceback is not to be kept
    return verdict.with_traceback(problem.__traceback__)


def _is_cancelled() -> bool:
    """Whether the coroutine that runs is to end."""
    import asyncio  # whoever awaits has it already

    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _in_one_piece(body: Packed) -> bytes:
    return body if isinstance(body, bytes) else b"".join(body)
