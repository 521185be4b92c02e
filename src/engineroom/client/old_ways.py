"""What scripts written for ipyparallel call on a Client, and new ones need not."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engineroom.client.arguments.hinted import Hinted
from engineroom.client.arguments.switches import checks_switches
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.views.view import View
from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.kinds import Function


@called_by_users("send_apply_request", "send_execute_request", "create_message_futures")
@checks_switches()
class OldWays(Hinted):
    """The part of a Client that only old scripts call."""

    if TYPE_CHECKING:

        @property
        def direct_view(self) -> Callable[..., Any]: ...
        @property
        def load_balanced_view(self) -> Callable[..., Any]: ...
        @property
        def get_result(self) -> Callable[..., Any]: ...

    def spin(self) -> None:
        """Do nothing: results arrive by themselves. This method exists for old scripts."""

    def spin_thread(self, interval: float = 1) -> None:
        """Do nothing: see `spin`."""

    def stop_spin_thread(self) -> None:
        """Do nothing: see `spin`."""

    def send_apply_request(
        self,
        socket: Any,
        f: Function[Any],
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        metadata: Any = None,
        track: bool = False,  # noqa: FBT001, FBT002 (as users write it)
        ident: int | None = None,
        message_future_hook: Callable[[AsyncResult[Any]], object] | None = None,
    ) -> AsyncResult[Any]:
        """Call `f(*args, **kwargs)` and return an AsyncResult. Deprecated: use a view's `apply_async`.

        `ident`: the id of an engine; None: any engine, or those of `socket`, if that is a view. `track`: see View.
        `message_future_hook` is called with the AsyncResult. `metadata` has no effect.
        """
        del metadata
        _deprecated("send_apply_request", "apply_async")
        view = self._view_of(socket, ident) or self.load_balanced_view()
        result = view.with_flags(track=track).apply_async(f, *(args or ()), **(kwargs or {}))
        return _told(result, message_future_hook)

    def send_execute_request(
        self,
        socket: Any,
        code: str,
        silent: bool = True,  # noqa: FBT001, FBT002 (as users write it)
        metadata: Any = None,
        ident: int | None = None,
        message_future_hook: Callable[[AsyncResult[Any]], object] | None = None,
    ) -> AsyncResult[Any]:
        """Run `code` and return an AsyncResult. Deprecated: use `DirectView.execute`, for `silent` as well.

        `ident`: the id of an engine; None: all engines, or those of `socket`, if that is a direct view.
        `message_future_hook` is called with the AsyncResult. `metadata` has no effect.
        """
        del metadata
        _deprecated("send_execute_request", "execute")
        view = self._view_of(socket, ident) or self.direct_view()
        return _told(view.execute(code, silent=silent, block=False), message_future_hook)

    def create_message_futures(
        self,
        msg_id: str,
        header: Any = None,
        async_result: bool = False,  # noqa: FBT001, FBT002 (as users write it)
        track: bool = False,  # noqa: FBT001, FBT002
        label: str | None = None,
    ) -> list[AsyncResult[Any]]:
        """Return the AsyncResult of the task `msg_id`, in a list. Deprecated: calls through views return theirs.

        For tasks of other clients, see `Client.get_result`. The other arguments have no effect.
        """
        del header, async_result, track, label
        _deprecated("create_message_futures", "apply_async")
        return [self.get_result(msg_id, block=False)]

    def _view_of(self, socket: object, ident: int | None) -> Any:
        if ident is not None:
            return self.direct_view(ident)
        return socket if isinstance(socket, View) else None


def _deprecated(name: str, better: str) -> None:
    warnings.warn(f"Client.{name} is deprecated: use the method `{better}` of a view", DeprecationWarning, stacklevel=4)


def _told(result: AsyncResult[Any], hook: Callable[[AsyncResult[Any]], object] | None) -> AsyncResult[Any]:
    if hook is not None:
        hook(result)
    return result
