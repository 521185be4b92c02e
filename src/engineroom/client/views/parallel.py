"""Functions that get parts of sequences, one on each engine, when they are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

from engineroom.client.results.blocking import result_of
from engineroom.client.sequences.partitions import distribution, rows_together
from engineroom.client.views.remote import RemoteFunction
from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.kinds import Function
    from engineroom.client.views.any_view import AnyView
    from engineroom.client.views.flags import BalancedOtherFlags


@called_by_users("__call__")
class ParallelFunction(RemoteFunction):
    """A function that runs on all engines, each with a part of the sequences, and joins the results.

    `map` calls it with single items instead.
    """

    def __init__(
        self,
        view: AnyView[Any],
        func: Function[Any],
        *,
        dist: str = "b",
        block: bool | None = None,
        **flags: Unpack[BalancedOtherFlags],
    ) -> None:
        super().__init__(view, func, block=block, **flags)
        self.dist = dist
        self.__doc__ = f"Parallel function: each engine gets a part.\n\n{inspect.getdoc(func) or ''}".rstrip()

    def __call__(self, *sequences: Any) -> Any:
        """Call the function on each engine with its part of `sequences`; return the joined results.

        Returns an AsyncMapResult if it does not wait. As in a map, the shortest sequence sets the number of items.
        """
        view, spread = self._view(), distribution(self.dist)
        cut_up, count = rows_together(sequences)
        cuts = spread.cuts(count, min(count, max(1, view._width))) if count else ()
        parts = [tuple(rows.cut(whole, cut) for whole, rows in cut_up) for cut in cuts]
        if view.block:
            return result_of(view._session, lambda: view._call_with_parts(self.func, parts, spread))
        return view._call_with_parts(self.func, parts, spread)


def parallel(
    view: AnyView[Any],
    dist: str = "b",
    block: bool | None = None,
    **flags: Unpack[BalancedOtherFlags],
) -> Callable[[Function[Any]], ParallelFunction]:
    """Return a decorator that makes a function run on all engines, each with a part of the sequences."""
    return lambda function: ParallelFunction(view, function, dist=dist, block=block, **flags)
