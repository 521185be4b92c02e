"""Functions that run elsewhere when they are called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.views.view import View


@called_by_users("__call__", "map")
class RemoteFunction:
    """A function that, when called, runs through a view: returns the result if the view blocks, else an AsyncResult."""

    def __init__(self, view: View, function: Callable[..., Any], *, block: bool | None = None, **flags: Any) -> None:
        self.view, self.function = view, function
        self._flags = flags if block is None else {**flags, "block": block}
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function there."""
        view = self.view.with_flags(**self._flags) if self._flags else self.view
        return view.apply(self.function, *args, **kwargs)

    def map(self, *sequences: Any) -> Any:
        """Call it with the items of `sequences`, as `View.map` does."""
        view = self.view.with_flags(**self._flags) if self._flags else self.view
        return view.map(self.function, *sequences)

    def __repr__(self) -> str:
        return f"<RemoteFunction {self.function!r} on {self.view!r}>"


def remote(view: View, block: bool | None = None, **flags: Any) -> Callable[[Callable[..., Any]], RemoteFunction]:  # noqa: FBT001 (as users write it)
    """Return a decorator: the decorated function, when called, runs through `view`."""
    return lambda function: RemoteFunction(view, function, block=block, **flags)
