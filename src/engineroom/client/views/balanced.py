"""LoadBalancedView: runs each call on an engine that is free."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, Unpack, overload

from msgspec.structs import replace

from engineroom.client.arguments import given_numbers
from engineroom.client.arguments.conditions import awaits_of
from engineroom.client.arguments.keywords import explains_keywords, same_but_takes
from engineroom.client.arguments.switches import checks_switches
from engineroom.client.engines.targets import resolve_lasting
from engineroom.client.kinds import AsyncFunction, Function, One, T
from engineroom.client.maps.gather_results import AsyncGatherResult
from engineroom.client.maps.lazy_map import Submit
from engineroom.client.maps.map_results import AsyncMapResult
from engineroom.client.maps.submitting import OnError, stops, submit_chunks
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.sequences.chunks import cuts
from engineroom.client.sequences.columns import columns_of
from engineroom.client.views.flags import BalancedFlags, BalancedMapOptions, BalancedOtherFlags
from engineroom.client.views.options import options_of
from engineroom.client.views.terms import NEED_FLAGS
from engineroom.client.views.view import View
from engineroom.errors.local import called_by_users
from engineroom.errors.own_methods import owns_methods
from engineroom.protocol.messages import DEFAULT_OPTIONS, Awaits, Kind, Options
from engineroom.protocol.streams import Packed
from engineroom.serialize.functions.packing import PackedFunction, pack_call

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.sequences.partitions import Distribution
    from engineroom.client.views.caller import Caller
    from engineroom.client.views.parallel import ParallelFunction
    from engineroom.client.views.remote import RemoteFunction


@owns_methods
@called_by_users("map", "map_async", "map_sync", "set_flags", "temp_flags", "with_flags")
@checks_switches()
class LoadBalancedView(View[One]):
    """Runs each call on one of the engines in `targets` (None: all engines), whichever is free.

    Further flags: `after`: tasks that must end first, as AsyncResults, message ids or a Dependency; `follow`: likewise,
    and the call runs on the engine where they ran; `timeout`: seconds to wait for these. `retries`: how many times to
    repeat a call that raises. `rerun_lost`: run a call again on another engine if its engine dies; otherwise it raises
    EngineError, or counts against `retries`. `priority`: calls with a higher one start first.
    `gpu`, `memory` ("4GiB"), `resources` (a dict of any others) and `tag`: run only on engines
    that have at least as much, and that tag. The other flags: see View.
    """

    _flag_names: ClassVar[frozenset[str]] = (
        View._flag_names
        | NEED_FLAGS
        | {"after", "follow", "timeout"}
        | {
            "retries",
            "rerun_lost",
            "priority",
        }
    )
    _takes_chunksize: ClassVar[bool] = True
    priority: int = 0
    resources: Mapping[str, float | str] | None = None
    gpu: float | None = None
    memory: float | str | None = None
    tag: str | Sequence[str] | None = None

    def __init__(self, client: Caller, session: Session, **flags: Unpack[BalancedFlags]) -> None:
        self.after: Any = None
        self.follow: Any = None
        self.timeout: Any = None
        self.retries = 0
        # Who imports us as `ipyparallel` expects its habits, whichever of the two names a view is made by.
        self.rerun_lost = bool(getattr(sys.modules.get("ipyparallel"), "rerun_lost", True))
        super().__init__(client, session)
        self.set_flags(**flags)

    if TYPE_CHECKING:  # the same methods, with more flags

        def set_flags(self, **flags: Unpack[BalancedFlags]) -> Self: ...
        def temp_flags(self, **flags: Unpack[BalancedFlags]) -> AbstractContextManager[Self]: ...
        def with_flags(self, **flags: Unpack[BalancedFlags]) -> Self: ...
        def remote(
            self, block: bool | None = None, **flags: Unpack[BalancedOtherFlags]
        ) -> Callable[[Function[Any]], RemoteFunction]: ...
        def parallel(
            self,
            dist: str = "b",
            block: bool | None = None,
            *,
            chunksize: int | None = None,
            ordered: bool = True,
            return_exceptions: bool = False,
            **flags: Unpack[BalancedOtherFlags],
        ) -> Callable[[Function[Any]], ParallelFunction]: ...
        def map(  # type: ignore[override]  # any view takes any option, until it is a certain one
            self, f: Function[Any], /, *sequences: Any, block: bool | None = None, **options: Unpack[BalancedMapOptions]
        ) -> Any: ...
        @overload
        def map_sync(
            self, f: AsyncFunction[T], /, *sequences: Any, **options: Unpack[BalancedMapOptions]
        ) -> list[T]: ...
        @overload
        def map_sync(self, f: Function[T], /, *sequences: Any, **options: Unpack[BalancedMapOptions]) -> list[T]: ...
        def map_sync(self, f: Any, /, *sequences: Any, **options: Any) -> Any: ...

    else:
        set_flags, temp_flags, with_flags, remote, parallel = (
            same_but_takes(BalancedFlags, method)
            for method in (View.set_flags, View.temp_flags, View.with_flags, View.remote, View.parallel)
        )
        map, map_sync = (
            explains_keywords(same_but_takes(BalancedMapOptions, method)) for method in (View.map, View.map_sync)
        )

    def __len__(self) -> int:
        """How many engines can currently run its calls."""
        return self._width

    if not TYPE_CHECKING:  # a checker refuses this anyway

        def __getitem__(self, key: object) -> NoReturn:
            raise TypeError(f"a name belongs to certain engines, so use a direct view: `rc[:][{key!r}]`")

        def __setitem__(self, key: object, value: object) -> NoReturn:
            raise TypeError(f"a name belongs to certain engines, so use a direct view: `rc[:][{key!r}] = ...`")

        __iter__ = None  # or it would be iterated by calling `__getitem__`

    @property
    def _width(self) -> int:
        """How many engines may run its calls now, 0 if none."""
        engines = self._session.engines
        if self.targets is None or not engines.ids:
            return len(engines.ids)
        return sum(engines.get(id_) is not None for id_ in resolve_lasting(self.targets, engines))

    @overload
    def map_async(
        self, f: AsyncFunction[T], /, *sequences: Any, **options: Unpack[BalancedMapOptions]
    ) -> AsyncMapResult[T]: ...
    @overload
    def map_async(
        self, f: Function[T], /, *sequences: Any, **options: Unpack[BalancedMapOptions]
    ) -> AsyncMapResult[T]: ...
    @explains_keywords
    def map_async(
        self,
        f: Function[Any],
        /,
        *sequences: Any,
        chunksize: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        on_error: OnError = "continue",
        label: str | None = None,
        progress: bool | None = None,
    ) -> AsyncMapResult[Any]:
        """Call `f` with the items of `sequences`, as the builtin `map` does; return an AsyncMapResult.

        `chunksize`: items per task; None: large chunks first, then smaller ones (one item per task in a view with
        `retries` or `time_limit`, which are about tasks). `ordered`: iterate over the results in the order of the
        items, otherwise as they arrive. `return_exceptions`: return errors as results. `on_error="stop"`: the first
        error ends the map: tasks that have not started are cancelled, and running ones are interrupted. `progress`:
        whether waits for the results show a progress bar, see `AsyncResult.wait`. ValueError: options are wrong, or
        wrong together. TypeError: there are no `sequences`. PackError: names the item that cannot be sent.
        """
        if chunksize is None and (self.retries or self.time_limit is not None):
            chunksize = 1
        elif chunksize is not None and given_numbers.whole("chunksize", chunksize) < 1:
            raise ValueError(f"chunksize must be at least 1, not {chunksize}")
        stop = stops(on_error, return_exceptions=return_exceptions)
        columns = columns_of(sequences)
        function, name = self._pack_for_chunks(f)
        costs = self._session.item_costs
        slices = list(cuts(len(columns[0]), max(1, self._width), chunksize, costs.of(function.hash)))
        label = self.label if label is None else label
        result: AsyncMapResult[Any] = AsyncMapResult(
            self._session,
            f"map:{name}",
            sizes=[cut.stop - cut.start for cut in slices],
            ordered=ordered,
            return_exceptions=return_exceptions,
            stop=stop,
            label=label,
            progress=progress,
        )
        if chunksize is None:  # else there may be very many chunks
            result._on_cost = partial(costs.note, function.hash)
        options = self._options(label)
        several = len(slices) > 1
        if several:
            options = replace(options, of_map=(0, len(slices)))

        def submit(body: Packed, place: int) -> None:
            nonlocal options
            self._submit(body, result, function, options)
            if several and not place:
                options = replace(options, of_map=(result._tasks[0].number, len(slices)))

        submit_chunks(result, columns, slices, submit, stop=stop, copy=not self.track)
        return result

    def _call_with_parts(
        self, f: Function[Any], parts: Sequence[tuple[Any, ...]], distribution: Distribution
    ) -> AsyncGatherResult:
        packed, options = self._pack(f), self._options(self.label)
        result = AsyncGatherResult(self._session, len(parts), distribution, self.label)
        if self.track:
            result._tracked = True
        for part in parts:
            self._submit(pack_call(part, {}, copy=not self.track), result, packed, options)
        return result

    def _submitter(self, f: Function[Any]) -> Submit:
        return lambda _, arguments: self._apply(f, arguments, {})

    def _apply(self, function: Function[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncResult[Any]:
        packed = self._pack(function)
        result: AsyncResult[Any] = AsyncResult(self._session, packed.name, label=self.label)
        if self.track:
            result._tracked = True
        body = pack_call(args, kwargs, copy=not self.track, name=packed.name, function=function)
        self._submit(body, result, packed, self._options(self.label))
        return result

    def _submit(self, body: Packed, result: AsyncResult[Any], function: PackedFunction, options: Options) -> None:
        tasks = self._session.submit(
            Kind.APPLY, body, result, function=function, options=options, awaits=None if self._plain else self._awaits()
        )
        self._numbers.add(tasks[0].number)

    def _awaits(self) -> Awaits | None:
        """Return what the flags say of other tasks."""
        if self.after is None and self.follow is None and self.timeout is None:
            return None
        return awaits_of(self.after, self.follow, self.timeout)

    def _options(self, label: str) -> Options:
        if not label and (self._is_plain() if self._plain is None else self._plain):
            return DEFAULT_OPTIONS
        engines = None if self.targets is None or self.targets == "all" else self._engines()
        return options_of(label, engines, self.retries, self.priority, rerun_lost=self.rerun_lost, terms=self._terms)

    def _is_plain(self) -> bool:
        """Return whether all flags that calls are sent with are at their usual values."""
        others = self.after is not None or self.follow is not None or self.timeout is not None
        asks = self.targets is not None or self._terms is not None or bool(self.priority or self.retries)
        self._plain = bool(self.rerun_lost) and not others and not asks
        return self._plain

    def _engines(self) -> tuple[int, ...]:
        return resolve_lasting(self.targets, self._session.engines)
