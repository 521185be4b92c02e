"""View: what all views have in common."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from engineroom.client.arguments.keywords import explains_keywords, takes
from engineroom.client.arguments.switches import checks_switches
from engineroom.client.kinds import AsyncFunction, Function, Kind, Many, One, T
from engineroom.client.maps.lazy_map import LazyMapIterator, Submit, ahead
from engineroom.client.views.any_view import AnyView
from engineroom.client.views.executor import CallableExecutor
from engineroom.client.views.flags import Flags, ImapOptions, OtherFlags
from engineroom.client.views.remote import RemoteFunction
from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.views.parallel import ParallelFunction

    class ExecutorOfView:
        """The type of `view.executor`: of several engines, futures are of lists, which no Executor's type says."""

        @overload
        def __get__(self, view: View[One], owner: object) -> CallableExecutor: ...
        @overload
        def __get__(self, view: View[Many], owner: object) -> Any: ...
        def __get__(self, view: View[Any], owner: object) -> Any: ...


@called_by_users("imap")
@checks_switches()
class View(AnyView[Kind]):
    """Base class of views: a set of engines and the methods that run code on them.

    Flags are attributes. `block`: calls wait and return the result. `targets`: the engines. `label`: a name for the
    tasks. `track`: large buffers are not copied when they are sent; do not modify them until `ar.sent` is True.
    `time_limit`: seconds that a task may run on its engine; then it is interrupted and raises TaskTimeout.
    `on_time_limit="restart"`: if it does not end then, its engine is restarted.

    Arguments of methods that are named as a flag replace it for one call; None: as the flag says. A call raises
    PackError if something cannot be sent, IndexError if one of `targets` does not exist, NoEnginesRegistered if there
    are no engines, and ConnectionFailed or ControllerLost once the client is closed or has lost its controller. Results
    raise RemoteError (CompositeError for several), EngineError, TaskAborted or CancelledError.
    """

    @overload
    def imap(self, f: AsyncFunction[T], /, *sequences: Any, **options: Unpack[ImapOptions]) -> LazyMapIterator[T]: ...
    @overload
    def imap(self, f: Function[T], /, *sequences: Any, **options: Unpack[ImapOptions]) -> LazyMapIterator[T]: ...
    @explains_keywords
    def imap(
        self,
        f: Function[Any],
        /,
        *sequences: Any,
        ordered: bool = True,
        max_outstanding: int | Literal["auto"] | None = "auto",
        return_exceptions: bool = False,
        progress: bool | None = None,
    ) -> LazyMapIterator[Any]:
        """Return an iterator over the results of `f` that reads `sequences`, which may be endless, as you read results.

        `max_outstanding`: how many items to submit ahead; "auto": enough to keep the engines busy; None: no limit.
        `ordered`: yield results in the order of the items, otherwise as they arrive. `return_exceptions`: yield errors
        as results. `progress`: show a progress bar while results are read (True), or never (False). ValueError:
        `max_outstanding` is not a positive number.
        """
        limit = ahead(max_outstanding, lambda: self._width)
        return LazyMapIterator(
            self._session,
            f,
            sequences,
            self._submitter(f),
            limit=limit,
            ordered=ordered,
            return_exceptions=return_exceptions,
            progress=progress,
        )

    @takes(Flags)
    def remote(
        self,
        block: bool | None = None,
        **flags: Unpack[OtherFlags],
    ) -> Callable[[Function[Any]], RemoteFunction]:
        """Return a decorator that makes a function run on this view's engines when it is called.

        `block`: whether calls wait for the result; None: as the view's flag says. `flags`: other flags for these calls.
        """
        return lambda function: RemoteFunction(self, function, block=block, **flags)

    @takes(Flags)
    def parallel(
        self,
        dist: str = "b",
        block: bool | None = None,
        *,
        chunksize: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        **flags: Unpack[OtherFlags],
    ) -> Callable[[Function[Any]], ParallelFunction]:
        """Return a decorator that makes a function run on all engines, each with a part of the sequences.

        `dist`: "b": contiguous parts; "r": items go to the engines in turn. `chunksize`: items per part, in a
        load-balanced view; None: as many parts as engines. `ordered=False`: iterating over the AsyncMapResult yields
        what each part returned as it arrives. `return_exceptions`: return errors as results. `block`, `flags`: see
        `remote`. ValueError: `chunksize` is below 1.
        """
        from engineroom.client.views.parallel import ParallelFunction  # few make one

        return lambda function: ParallelFunction(
            self, function, dist, block, chunksize, ordered, return_exceptions, **flags
        )

    if TYPE_CHECKING:
        executor = ExecutorOfView()
    else:

        @property
        def executor(self) -> CallableExecutor:
            """The view as a `concurrent.futures.Executor`; `view.executor()` is the same."""
            return CallableExecutor(self)

    def register_joblib_backend(self, name: str = "engineroom", make_default: bool = False) -> None:
        """Let joblib, and scikit-learn with it, run on this view's engines: `with joblib.parallel_config(name): ...`.

        `make_default`: joblib uses them unless told otherwise. The usual name comes with "ipyparallel" as a second one.
        ModuleNotFoundError: joblib is not installed.
        """
        # By name: integrations stand above clients, and few need this one.
        import_module("engineroom.integrations.joblib").register(name, make_default, view=self)

    def _submitter(self, f: Function[Any]) -> Submit:
        """Return what submits one item of an `imap`."""
        raise NotImplementedError
