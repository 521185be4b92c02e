"""Functions that run on engines when they are called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Unpack

from engineroom.client.arguments.switches import checks_switches, with_switches
from engineroom.errors.local import called_by_users
from engineroom.serialize.functions.packing import name_of

if TYPE_CHECKING:
    from engineroom.client.kinds import Function
    from engineroom.client.views.any_view import AnyView
    from engineroom.client.views.flags import BalancedOtherFlags


@called_by_users("__call__", "map")
@checks_switches(init=True)
class RemoteFunction:
    """A function whose calls run on the engines of a view and return the result if they wait, else an AsyncResult.

    `block`: whether calls wait (None: as the view's flag says). `flags`: other flags of the view for these calls. You
    can change both at any time. `func`: the original function.
    """

    def __init__(
        self,
        view: AnyView[Any],
        f: Function[Any],
        block: bool | None = None,
        **flags: Unpack[BalancedOtherFlags],
    ) -> None:
        self.view, self.func = view, f
        self.block, self.flags = block, flags
        functools.update_wrapper(self, f)
        self.__doc__ = f"Remote function: a call runs on engines.\n\n{inspect.getdoc(f) or ''}".rstrip()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function on the view's engines."""
        return self._view().apply(self.func, *args, **kwargs)

    def map(self, *sequences: Any) -> Any:
        """Call the function with the items of `sequences`, as `View.map` does."""
        return self._view().map(self.func, *sequences)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {name_of(self.func)} on {self.view!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} calls through a view of this process. Send the function itself: "
            f"`{name_of(self.func)}.func`"
        )

    def _view(self) -> AnyView[Any]:
        flags: Any = self.flags if self.block is None else {**self.flags, "block": self.block}
        return self.view.with_flags(**flags) if flags else self.view


@with_switches
def remote(
    view: AnyView[Any],
    block: bool | None = None,
    **flags: Unpack[BalancedOtherFlags],
) -> Callable[[Function[Any]], RemoteFunction]:
    """Return a decorator that makes a function run on the engines of `view` when it is called.

    `block` and `flags`: as in `view.temp_flags`, for its calls; None: as the view has it.
    """
    return lambda function: RemoteFunction(view, function, block=block, **flags)
