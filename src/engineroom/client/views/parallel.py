"""Functions that get parts of sequences, one on each engine, when they are called."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

from engineroom.client.arguments import given_numbers
from engineroom.client.arguments.switches import checks_switches, with_switches
from engineroom.client.results.blocking import result_of
from engineroom.client.sequences.partitions import distribution, rows_together
from engineroom.client.views.remote import RemoteFunction
from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.kinds import Function
    from engineroom.client.maps.gather_results import AsyncGatherResult
    from engineroom.client.views.any_view import AnyView
    from engineroom.client.views.flags import BalancedOtherFlags


@called_by_users("__call__", "map")
@checks_switches(init=True)
class ParallelFunction(RemoteFunction):
    """A function that runs on all engines, each with a part of the sequences, and joins the results.

    `map` calls it with single items instead. `dist`, `chunksize`, `ordered` and `return_exceptions`: see `parallel`.
    You can change them at any time.
    """

    def __init__(
        self,
        view: AnyView[Any],
        f: Function[Any],
        dist: str = "b",
        block: bool | None = None,
        chunksize: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        **flags: Unpack[BalancedOtherFlags],
    ) -> None:
        super().__init__(view, f, block=block, **flags)
        self.dist, self.chunksize = dist, chunksize
        self.ordered, self.return_exceptions = ordered, return_exceptions
        self.__doc__ = f"Parallel function: each engine gets a part.\n\n{inspect.getdoc(f) or ''}".rstrip()

    def __call__(self, *sequences: Any) -> Any:
        """Call the function on each engine with its part of `sequences`; return the joined results.

        Returns an AsyncMapResult if it does not wait. As in a map, the shortest sequence sets the number of items.
        """
        view, spread = self._view(), distribution(self.dist)
        cut_up, count = rows_together(sequences)
        cuts = spread.cuts(count, self._places(view, count)) if count else ()
        parts = [tuple(rows.cut(whole, cut) for whole, rows in cut_up) for cut in cuts]

        def submit() -> AsyncGatherResult:
            made = view._call_with_parts(self.func, parts, spread)
            made.ordered, made._return_exceptions = self.ordered, self.return_exceptions
            return made

        return result_of(view._session, submit) if view.block else submit()

    def map(self, *sequences: Any) -> Any:
        """Call the function with the items of `sequences`, as `View.map` does."""
        view, chunksize = self._view(), self._chunksize(self.view)
        options: dict[str, Any] = {"chunksize": chunksize, "ordered": self.ordered} if view._takes_chunksize else {}
        return view.map(self.func, *sequences, return_exceptions=self.return_exceptions, **options)

    def _places(self, view: AnyView[Any], count: int) -> int:
        """Return in how many parts `count` items, at least one, are cut."""
        chunksize = self._chunksize(view)
        return min(count, max(1, view._width)) if chunksize is None else -(-count // chunksize)

    def _chunksize(self, view: AnyView[Any]) -> int | None:
        if self.chunksize is None:
            return None
        if not view._takes_chunksize:
            warnings.warn(
                "chunksize has no effect in a direct view: each engine gets one part. Use rc.load_balanced_view() for "
                "chunks",
                stacklevel=5,
            )
            return None
        if given_numbers.whole("chunksize", self.chunksize) < 1:
            raise ValueError(f"chunksize must be at least 1, not {self.chunksize}")
        return self.chunksize


@with_switches
def parallel(
    view: AnyView[Any],
    dist: str = "b",
    block: bool | None = None,
    ordered: bool = True,
    *,
    chunksize: int | None = None,
    return_exceptions: bool = False,
    **flags: Unpack[BalancedOtherFlags],
) -> Callable[[Function[Any]], ParallelFunction]:
    """Return a decorator that makes a function run on all engines, each with a part of the sequences.

    See `View.parallel`.
    """
    return lambda function: ParallelFunction(
        view, function, dist, block, chunksize, ordered, return_exceptions, **flags
    )
