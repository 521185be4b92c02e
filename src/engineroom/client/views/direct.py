"""DirectView: runs calls on each of the chosen engines, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from msgspec.structs import replace

from engineroom.client.arguments.keywords import explains_keywords, same_but_takes
from engineroom.client.arguments.names import check_name, checked_names
from engineroom.client.arguments.switches import checks_switches
from engineroom.client.engines.renewed import warn_of_missing, warn_of_renewed
from engineroom.client.engines.targets import Targets, is_single, resolve
from engineroom.client.kinds import AsyncFunction, Function, Kind, Many, One, T
from engineroom.client.maps.gather_results import AsyncGatherResult
from engineroom.client.maps.lazy_map import Submit
from engineroom.client.maps.map_results import AsyncMapResult
from engineroom.client.maps.submitting import OnError, stops, submit_chunks
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.blocking import finished, result_of
from engineroom.client.sequences.chunks import blocks
from engineroom.client.sequences.columns import columns_of
from engineroom.client.sequences.partitions import distribution, pack_part, with_rows
from engineroom.client.state.engine_table import Engine
from engineroom.client.views.flags import DirectMapOptions
from engineroom.client.views.options import options_of
from engineroom.client.views.preparing import Naming, PreparingView
from engineroom.client.views.view import View
from engineroom.errors import NoEnginesRegistered
from engineroom.errors.local import called_by_users
from engineroom.errors.own_methods import owns_methods
from engineroom.protocol.messages import COMM_NAMES, DEFAULT_OPTIONS
from engineroom.protocol.messages import Kind as CallKind
from engineroom.protocol.ranges import MOST_LISTED
from engineroom.protocol.streams import Packed
from engineroom.protocol.task_ranges import listed
from engineroom.serialize.functions.packing import PackedFunction, pack_call
from engineroom.serialize.futures import by_bytes
from engineroom.serialize.payloads import pack, pack_names

if TYPE_CHECKING:
    from engineroom.client.sequences.partitions import Distribution
    from engineroom.serialize.results import ExecuteReply


class CellOptions(TypedDict, total=False):
    """Further options of `execute` and `run`."""

    block: bool | None
    label: str | None
    keep: bool


@owns_methods
@called_by_users("map", "map_async", "map_sync", "execute", "run", "push", "pull", "update", "get", "clear", "scatter")
@called_by_users("gather", "__getitem__", "__setitem__")
@checks_switches()
class DirectView(PreparingView[Kind]):
    """Runs each call on every engine in `targets`.

    If `targets` is an int, calls return one result, otherwise a list. "all": all engines connected when a call is made.
    The flags, and arguments named as these: see View.
    """

    def __len__(self) -> int:
        """How many engines there are."""
        return len(self._bind(None))

    if not TYPE_CHECKING:  # a checker refuses this anyway
        __iter__ = None  # or it would be iterated by asking engines for the names 0, 1, ...

    @property
    def _width(self) -> int:
        """How many engines there are, 0 if none."""
        return len(self._bind(None)) if self._session.engines.ids else 0

    if TYPE_CHECKING:  # the same methods, with their options

        def map(  # type: ignore[override]  # any view takes any option, until it is a certain one
            self, f: Function[Any], /, *sequences: Any, block: bool | None = None, **options: Unpack[DirectMapOptions]
        ) -> Any: ...
        @overload
        def map_sync(self, f: AsyncFunction[T], /, *sequences: Any, **options: Unpack[DirectMapOptions]) -> list[T]: ...
        @overload
        def map_sync(self, f: Function[T], /, *sequences: Any, **options: Unpack[DirectMapOptions]) -> list[T]: ...
        def map_sync(self, f: Any, /, *sequences: Any, **options: Any) -> Any: ...

    else:
        map, map_sync = (
            explains_keywords(same_but_takes(DirectMapOptions, method)) for method in (View.map, View.map_sync)
        )

    @overload
    def map_async(
        self, f: AsyncFunction[T], /, *sequences: Any, **options: Unpack[DirectMapOptions]
    ) -> AsyncMapResult[T]: ...
    @overload
    def map_async(
        self, f: Function[T], /, *sequences: Any, **options: Unpack[DirectMapOptions]
    ) -> AsyncMapResult[T]: ...
    @explains_keywords
    def map_async(
        self,
        f: Function[Any],
        /,
        *sequences: Any,
        track: bool | None = None,
        return_exceptions: bool = False,
        on_error: OnError = "continue",
        label: str | None = None,
        progress: bool | None = None,
    ) -> AsyncMapResult[Any]:
        """Call `f` with the items of `sequences`, an equal contiguous part on each engine; return an AsyncMapResult.

        `return_exceptions`: return errors as results. `on_error="stop"`: the first error ends the map: tasks that have
        not started are cancelled, and running ones are interrupted. `progress`: whether waits for the results show a
        progress bar, see `AsyncResult.wait`. ValueError: options are wrong together. TypeError: there are no
        `sequences`. PackError: names the item that cannot be sent.
        """
        stop = stops(on_error, return_exceptions=return_exceptions)
        columns = columns_of(sequences)
        count, targets = len(columns[0]), self._bind(None)
        if count and not targets:
            raise self._no_engines()
        slices = list(blocks(count, len(targets)))[:count] if targets else []
        label = self.label if label is None else label
        function, name = self._pack_for_chunks(f)
        result: AsyncMapResult[Any] = AsyncMapResult(
            self._session,
            f"map:{name}",
            sizes=[cut.stop - cut.start for cut in slices],
            return_exceptions=return_exceptions,
            stop=stop,
            label=label,
            progress=progress,
        )

        def submit(body: Packed, place: int) -> None:
            first = result._tasks[0].number if place else 0
            of_map = (first, len(slices)) if len(slices) > 1 else None
            self._submit(CallKind.APPLY, body, result, (targets[place],), function=function, label=label, of_map=of_map)

        submit_chunks(result, columns, slices, submit, stop=stop, copy=not self._tracks(track))
        return result

    @overload
    def execute(
        self: DirectView[One], code: str, silent: bool = True, targets: None = None, **options: Unpack[CellOptions]
    ) -> AsyncResult[ExecuteReply]: ...
    @overload
    def execute(
        self: DirectView[Many], code: str, silent: bool = True, targets: None = None, **options: Unpack[CellOptions]
    ) -> AsyncResult[list[ExecuteReply]]: ...
    @overload
    def execute(
        self, code: str, silent: bool = True, targets: Targets = None, **options: Unpack[CellOptions]
    ) -> AsyncResult[Any]: ...
    def execute(
        self,
        code: str,
        silent: bool = True,
        targets: Targets = None,
        block: bool | None = None,
        label: str | None = None,
        keep: bool = False,
    ) -> AsyncResult[Any]:
        """Run `code`, as if typed in an IPython cell, in the engines' namespaces; return an AsyncResult.

        Its result for each engine is an ExecuteReply. `silent`: the cell shows no value and is not numbered. `block`:
        return the AsyncResult once the cell has ended; its error is raised by `get()`, or here if this waits. `keep`:
        run it again on each engine that is started later; see `keep`. TypeError: `code` is not a str.
        """
        if not isinstance(code, str):
            raise TypeError(
                f"execute() takes code as a str, not {type(code).__name__}; to call a function, use apply()"
            )
        call = {"code": code, "silent": silent, "name": f"<cell {next(self._session.cell_numbers)}>"}
        kept = (code, f"execute {code.strip().partition(chr(10))[0]}") if keep else None
        return self._execute(call, "execute", targets, block, label, kept)

    def run(
        self,
        filename: str | Path,
        targets: Targets = None,
        block: bool | None = None,
        label: str | None = None,
    ) -> AsyncResult[Any]:
        """Run a local file in the engines' namespaces; return an AsyncResult, as `execute` does.

        `filename`: a path on this machine, to a Python file in UTF-8. OSError: it cannot be read.
        """
        code = Path(filename).read_text(encoding="utf-8")
        call = {"code": code, "silent": True, "name": str(filename)}
        return self._execute(call, f"run:{filename}", targets, block, label)

    def push(
        self,
        ns: dict[str, Any],
        targets: Targets = None,
        block: bool | None = None,
        track: bool | None = None,
        keep: bool = False,
    ) -> Any:
        """Set variables in the engines' namespaces; return an AsyncResult, or None if it waited.

        `ns`: a dict of names and values. `keep`: set them again on each engine that is started later; see `keep`.
        TypeError: `ns` is not a dict. EngineroomError: it is too large to be kept.
        """
        if not isinstance(ns, dict):
            raise TypeError(f"push() takes a dict of names and values, not {type(ns).__name__}")
        for name in ns:
            check_name(name)
        tracked = self._tracks(track)
        with by_bytes() if keep else nullcontext():
            body = pack_names(ns, copy=not tracked)
        kept = (tuple(sorted(ns)), f"push {', '.join(ns)}") if keep else None
        return self._none_if_waited(
            lambda: self._call(CallKind.PUSH, body, "push", targets, kept=kept), block, tracked=tracked
        )

    def pull(self, names: str | Iterable[str], targets: Targets = None, block: bool | None = None) -> Any:
        """Return the value of a name, or a list of the values of several names, from the engines' namespaces.

        `names`: a name, or several. For several engines: a list, with one value or list for each. An AsyncResult unless
        it waits. A name that an engine does not have is a RemoteError (NameError).
        """
        wanted = names if isinstance(names, str) else checked_names(names)
        body = pack(wanted)
        if self._blocks(block):
            return result_of(self._session, lambda: self._call(CallKind.PULL, body, "pull", targets))
        return self._call(CallKind.PULL, body, "pull", targets)

    def update(self, ns: dict[str, Any]) -> Any:
        """Set variables in the engines' namespaces: the same as `push(ns)`, named as for a dict."""
        return self.push(ns)

    def get(self, key_s: str | Iterable[str]) -> Any:
        """Wait for the values of one or several names (`key_s`) and return them, as `pull` does."""
        return self.pull(key_s, block=True)

    def __getitem__(self, key: str | list[str]) -> Any:
        """Return the value of the name `key` on the engines, or of several names; waits. See `pull`."""
        return self.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        """Set the variable `key` to `value` in the engines' namespaces; waits. See `push`."""
        self.push({key: value}, block=True)

    def clear(self, targets: Targets = None, block: bool | None = None) -> Any:
        """Empty the engines' namespaces, and run their start-up script and command again.

        Returns an AsyncResult, or None if it waited. RuntimeError: the start-up code failed.
        """
        return self._none_if_waited(lambda: self._call(CallKind.CLEAR, b"", "clear", targets), block)

    def scatter(
        self,
        key: str,
        seq: Any,
        dist: str = "b",
        flatten: bool = False,
        targets: Targets = None,
        block: bool | None = None,
        track: bool | None = None,
        keep: bool = False,
    ) -> Any:
        """Split the rows of `seq` over the engines, as variable `key`; return an AsyncResult, or None if it waited.

        Parts have the type of `seq`: a table gives rows with their index, a dict gives keys with their values.
        `dist`: "b": contiguous blocks; "r": rows go to the engines in turn. Parts differ by one row at most, and are
        empty if there are fewer rows than engines. `flatten`: a part with a single row is replaced by that row. `keep`:
        an engine that is restarted gets its part again. ValueError: `dist` is neither. TypeError: `seq` has no rows.
        EngineroomError: a part is too large to be kept.
        """
        check_name(key)
        (whole, rows), spread, engines = with_rows(seq), distribution(dist), self._bind(targets)
        count = rows.count(whole)
        if count and not engines:
            raise self._no_engines()
        tracked, places = self._tracks(track), len(engines)

        def submit() -> AsyncResult[Any]:
            made = AsyncResult[Any](self._session, "scatter", count=places, single=False, label=self.label)
            for engine, cut in zip(engines, spread.cuts(count, places) if places else (), strict=True):
                body = pack_part(key, rows.cut(whole, cut), rows, flatten=flatten, copy=not tracked)
                if keep:
                    self._keep_call(CallKind.PUSH, body, ((key,), f"scatter {key}"), [engine.id], (engine,), None)
                self._submit(CallKind.PUSH, body, made, (engine,), label=self.label)
            return made

        return self._none_if_waited(submit, block, tracked=tracked)

    def gather(
        self,
        key: str,
        dist: str = "b",
        targets: Targets = None,
        block: bool | None = None,
    ) -> Any:
        """Join the parts of variable `key`, as `scatter` made them: the whole if it waited, else an AsyncMapResult.

        `dist`: the one that they were scattered with. ValueError: it is neither "b" nor "r".

        Parts of the same type become one value of that type with every row unchanged: lists become a list, tables a
        table, arrays an array with a common dtype. Parts of different types become a list of their rows, and values
        without rows a list. `len` and `progress` of an AsyncMapResult of this count parts; iteration yields rows.
        """
        check_name(key)
        engines, body, spread = self._bind(targets), pack(key), distribution(dist)

        def submit() -> AsyncGatherResult:
            made = AsyncGatherResult(self._session, len(engines), spread, self.label)
            if engines:
                self._submit(CallKind.PULL, body, made, engines, label=self.label)
            return made

        return result_of(self._session, submit) if self._blocks(block) else submit()

    def activate(self, suffix: str = "") -> None:
        """Have `%px` run cells on this view's engines; `suffix` "0" gives %px0, %pxconfig0 and so on.

        Outside of IPython: a warning, and nothing else.
        """
        import_module("engineroom.magics").activate(self, suffix)  # by name: magics stand above views

    def _call_with_parts(
        self, f: Function[Any], parts: Sequence[tuple[Any, ...]], distribution: Distribution
    ) -> AsyncGatherResult:
        packed, targets = self._pack(f), self._bind(None)
        if parts and not targets:
            raise self._no_engines()
        result = AsyncGatherResult(self._session, len(parts), distribution, self.label)
        if self.track:
            result._tracked = True
        for part, target in zip(parts, targets, strict=False):
            body = pack_call(part, {}, copy=not self.track)
            self._submit(CallKind.APPLY, body, result, (target,), function=packed, label=self.label)
        return result

    def _submitter(self, f: Function[Any]) -> Submit:
        packed = self._pack(f)
        ids = resolve(self.targets, self._session.engines)

        def submit(number: int, arguments: tuple[Any, ...]) -> AsyncResult:
            if not ids:
                raise self._no_engines()
            body = pack_call(arguments, {}, copy=not self.track)
            return self._call(CallKind.APPLY, body, f"apply:{packed.name}", ids[number % len(ids)], packed)

        return submit

    def _apply(self, function: Function[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncResult[Any]:
        packed = self._pack(function)
        body = pack_call(args, kwargs, copy=not self.track, name=packed.name, function=function)
        result = self._call(CallKind.APPLY, body, f"apply:{packed.name}", None, packed)
        if self.track:
            result._tracked = True
        return result

    def _execute(
        self,
        call: dict[str, Any],
        name: str,
        targets: Targets,
        block: bool | None,
        label: str | None,
        kept: Naming | None = None,
    ) -> AsyncResult[Any]:
        body = pack(call)

        def submit() -> AsyncResult[Any]:
            made = self._call(CallKind.EXECUTE, body, name, targets, label=label, kept=kept)
            made._code = call["code"]
            return made

        return finished(self._session, submit) if self._blocks(block) else submit()

    def _send_comm(
        self,
        msg_type: str,
        content: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        buffers: Iterable[Any] = (),
    ) -> AsyncResult[Any]:
        """Send a message of a comm; the engine hears it after what it was sent before, as a task.

        What the listener there prints, displays, says over comms and raises is in the result.
        """
        if msg_type not in COMM_NAMES:
            raise ValueError(f"{msg_type!r} is not a message of a comm: expected one of {', '.join(COMM_NAMES)}")
        message = {"msg_type": msg_type, "content": content, "metadata": metadata or {}, "buffers": list(buffers)}
        return self._call(CallKind.COMM, pack(message), msg_type, None)

    def _call(
        self,
        kind: CallKind,
        body: Packed,
        name: str,
        targets: Targets,
        function: PackedFunction | None = None,
        label: str | None = None,
        kept: Naming | None = None,
    ) -> AsyncResult[Any]:
        """Submit one call, its payload once, to each of `targets` (None: the view's); `kept`: and have it kept."""
        engines = self._bind(targets)
        if kept is not None:
            self._keep_call(kind, body, kept, targets, engines, function)
        single = is_single(self.targets if targets is None else targets)
        label = self.label if label is None else label
        result: AsyncResult[Any] = AsyncResult(self._session, name, count=len(engines), single=single, label=label)
        if engines:
            self._submit(kind, body, result, engines, function=function, label=label)
        return result

    def _keep_call(
        self,
        kind: CallKind,
        body: Packed,
        kept: Naming,
        targets: Targets,
        engines: tuple[Engine, ...],
        function: PackedFunction | None,
    ) -> None:
        """Have a call kept that is about to be made to `engines`."""
        from engineroom.client.views.keeping import is_for_all, keep  # few calls are kept

        for_all = is_for_all(self.targets if targets is None else targets)
        ids = None if for_all else tuple(engine.id for engine in engines)
        key, what = kept
        keep(self._session, kind, body, key=(kind, key), what=what, engines=ids, has=engines, function=function)

    def _submit(
        self,
        kind: CallKind,
        body: Packed,
        result: AsyncResult[Any],
        engines: tuple[Engine, ...],
        *,
        label: str,
        function: PackedFunction | None = None,
        of_map: tuple[int, int] | None = None,
    ) -> None:
        terms = self._terms
        options = options_of(label, terms=terms) if label or terms is not None else DEFAULT_OPTIONS
        if of_map is not None:
            options = replace(options, of_map=of_map)
        for part in (engines,) if len(engines) <= MOST_LISTED else listed(engines):
            tasks = self._session.submit(kind, body, result, function=function, to=part, options=options)
            self._numbers.add(tasks[0].number, len(tasks))

    def _bind(self, targets: Targets) -> tuple[Engine, ...]:
        """Return the engines that a call is made for now: their processes, not whatever has their ids later."""
        engines, targets = self._session.engines, self.targets if targets is None else targets
        found = engines.bound(resolve(targets, engines))
        if engines.missing and targets == "all":
            warn_of_missing(engines)
        if engines.renewed:
            warn_of_renewed(self._session, found)
        return found

    def _none_if_waited(
        self,
        submit: Callable[[], AsyncResult[Any]],
        block: bool | None,
        *,
        tracked: bool = False,
    ) -> AsyncResult[Any] | None:
        """Make a call that has no result: wait for it and return None, if it blocks; else return its AsyncResult."""
        if self._blocks(block):
            finished(self._session, submit)
            return None
        result = submit()
        if tracked:
            result._tracked = True
        return result

    def _no_engines(self) -> NoEnginesRegistered:
        return NoEnginesRegistered(f"{self!r} has no engines; choose some, as in rc[:] or rc[[0, 1]]")

    def _tracks(self, track: bool | None) -> bool:
        return self.track if track is None else track
