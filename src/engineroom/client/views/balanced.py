"""LoadBalancedView: each call on whichever engine is free."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from engineroom.client.chunks import cuts
from engineroom.client.columns import columns_of
from engineroom.client.lazy_map import Submit
from engineroom.client.map_results import AsyncMapResult
from engineroom.client.maps import OnError, stops, submit_chunks
from engineroom.client.results import AsyncResult
from engineroom.client.targets import resolve
from engineroom.client.views.flags import BalancedFlags, same_but_takes
from engineroom.client.views.view import View
from engineroom.errors.local import called_by_users
from engineroom.protocol.messages import DEFAULT_OPTIONS, Kind, Options
from engineroom.protocol.streams import Body
from engineroom.serialize.functions import PackedFunction, pack_call

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.session import Session


@called_by_users("map_async")
class LoadBalancedView(View):
    """Calls that run on any of the engines in `targets` (None: any at all).

    Further flags: `retries`: how many times a call that raised is tried again. `rerun_lost`: calls whose engine
    died run again elsewhere; without it they end in EngineError, or count against `retries`.
    """

    flags: ClassVar[frozenset[str]] = View.flags | {"retries", "rerun_lost"}
    takes_chunksize: ClassVar[bool] = True

    def __init__(self, client: Client, session: Session, **flags: Unpack[BalancedFlags]) -> None:
        self.retries = 0
        # Who imports us as `ipyparallel` expects its habits, whichever of the two names a view is made by.
        self.rerun_lost = bool(getattr(sys.modules.get("ipyparallel"), "rerun_lost", True))
        super().__init__(client, session)
        self.set_flags(**flags)

    if TYPE_CHECKING:  # the same methods, with more flags

        def set_flags(self, **flags: Unpack[BalancedFlags]) -> Self: ...
        def temp_flags(self, **flags: Unpack[BalancedFlags]) -> AbstractContextManager[Self]: ...
        def with_flags(self, **flags: Unpack[BalancedFlags]) -> Self: ...

    else:
        set_flags, temp_flags, with_flags = (
            same_but_takes(BalancedFlags, method) for method in (View.set_flags, View.temp_flags, View.with_flags)
        )

    def __len__(self) -> int:
        """How many engines may run its calls now."""
        return self.width

    @property
    def width(self) -> int:
        """How many engines may run its calls now, 0 if none."""
        engines = self._session.engines
        return len(resolve(self.targets, engines)) if engines.ids else 0

    def map_async(
        self,
        f: Callable[..., Any],
        /,
        *sequences: Any,
        chunksize: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        on_error: OnError = "continue",
        label: str | None = None,
    ) -> AsyncMapResult:
        """Call `f` with the items of `sequences`, as the builtin `map` does; an AsyncMapResult.

        `chunksize`: items per task; None: large chunks first, then smaller ones (one item per task in a view with
        `retries`, which repeats tasks). `ordered`: iterate over the results in the order of the items, or as they
        come. `return_exceptions`: errors become results. `on_error="stop"`: the first error ends the map; what has
        not started is withdrawn, and what runs is interrupted.
        """
        if chunksize is None and self.retries:
            chunksize = 1
        elif chunksize is not None and chunksize < 1:
            raise ValueError(f"chunksize is {chunksize}; it must be at least 1")
        stop = stops(on_error, return_exceptions=return_exceptions)
        columns = columns_of(sequences)
        slices = list(cuts(len(columns[0]), max(1, self.width), chunksize))
        function, name = self._pack_for_chunks(f)
        label = self.label if label is None else label
        result = AsyncMapResult(
            self._session,
            f"map:{name}",
            sizes=[cut.stop - cut.start for cut in slices],
            ordered=ordered,
            return_exceptions=return_exceptions,
            stop=stop,
            label=label,
        )
        options = self._options(label)

        def submit(body: Body, place: int) -> None:
            del place
            self._submit(body, result, function, options)

        submit_chunks(result, columns, slices, submit, stop=stop, copy=not self.track)
        return result

    def _submitter(self, f: Callable[..., Any]) -> Submit:
        return lambda _, arguments: self._apply(f, arguments, {})

    def _apply(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncResult:
        packed = self.client.packer.pack(function)
        result = AsyncResult(self._session, packed.name, label=self.label)
        if self.track:
            result._tracked = True
        body = pack_call(args, kwargs, copy=not self.track, name=packed.name, function=function)
        self._submit(body, result, packed, self._options(self.label))
        return result

    def _submit(self, body: Body, result: AsyncResult, function: PackedFunction, options: Options) -> None:
        tasks = self._session.submit(Kind.APPLY, body, result, function=function, options=options)
        self._numbers.add(tasks[0].number)

    def _options(self, label: str) -> Options:
        if self.targets is None and self.rerun_lost and not self.retries and not label:
            return DEFAULT_OPTIONS
        engines = None if self.targets is None or self.targets == "all" else self._engines()
        return Options(engines=engines, retries=self.retries, rerun_lost=self.rerun_lost, label=label)

    def _engines(self) -> tuple[int, ...]:
        return resolve(self.targets, self._session.engines)
