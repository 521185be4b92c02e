"""What all views have in common: flags, and what has been submitted through them."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

from engineroom.client.chunks import each_item, each_item_or_error
from engineroom.client.executor import ViewExecutor
from engineroom.client.numbers import NumberHistory
from engineroom.client.remote import RemoteFunction
from engineroom.client.results import AsyncResult
from engineroom.errors.local import called_by_users
from engineroom.ids import msg_id, task_id
from engineroom.serialize.functions import PackedFunction, name_of

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.session import Session
    from engineroom.client.tasks import Task

HISTORY = 100_000
"""So many tasks are remembered in a view's history."""


@called_by_users("apply", "apply_async", "apply_sync", "map", "map_sync")
class View:
    """A set of engines, and a way to use them. Made by `rc[...]`, `rc.direct_view`, `rc.load_balanced_view`.

    Flags are attributes: `block`: calls wait and return the result; `targets`: which engines; `label`: a name
    for tasks; `track`: large buffers are not copied when packed (do not change them before `ar.sent`).
    """

    flags: ClassVar[frozenset[str]] = frozenset({"block", "targets", "label", "track"})

    def __init__(self, client: Client, session: Session, **flags: Any) -> None:
        self.client = client
        self.block = client.block
        self.targets: Any = None
        self.label = ""
        self.track = False
        self._session = session
        self._numbers = NumberHistory(HISTORY)
        self.set_flags(**flags)

    def set_flags(self, **flags: Any) -> Self:
        """Set some flags, and return this view; TypeError names those that do not exist."""
        unknown = flags.keys() - self.flags
        if unknown:
            names, known = ", ".join(sorted(unknown)), ", ".join(sorted(self.flags))
            raise TypeError(f"{type(self).__name__} has no flag {names}; it has {known}")
        for name, value in flags.items():
            setattr(self, name, value)
        return self

    @contextmanager
    def temp_flags(self, **flags: Any) -> Iterator[Self]:
        """Set some flags within a `with` block."""
        before = {name: getattr(self, name) for name in flags if name in self.flags}
        self.set_flags(**flags)
        try:
            yield self
        finally:
            self.set_flags(**before)

    def with_flags(self, **flags: Any) -> Self:
        """Return a view like this one, with other flags; what it submits counts as this one's."""
        return copy.copy(self).set_flags(**flags)

    def apply(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `f(*args, **kwargs)` there: return its result if `block` is set, else an AsyncResult."""
        result = self._apply(f, args, kwargs)
        return result.get() if self.block else result

    def apply_async(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AsyncResult:
        """Call `f(*args, **kwargs)` there; return an AsyncResult."""
        return self._apply(f, args, kwargs)

    def apply_sync(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `f(*args, **kwargs)` there; wait, and return the result."""
        return self._apply(f, args, kwargs).get()

    def map(self, f: Callable[..., Any], /, *sequences: Any, block: bool | None = None, **options: Any) -> Any:
        """Call `f` with the items of `sequences`, as the builtin `map` does.

        Return the results if `block` (by default the view's), else an AsyncMapResult. Options: see `map_async`.
        """
        result = self.map_async(f, *sequences, **options)
        return result.get() if self._blocks(block) else result

    def map_async(self, f: Callable[..., Any], /, *sequences: Any, **options: Any) -> AsyncResult:
        """Like `map`, without waiting."""
        raise NotImplementedError

    def map_sync(self, f: Callable[..., Any], /, *sequences: Any, **options: Any) -> Any:
        """Like `map`; wait, and return the list of results."""
        return self.map_async(f, *sequences, **options).get()

    def remote(self, block: bool | None = None, **flags: Any) -> Callable[[Callable[..., Any]], RemoteFunction]:  # noqa: FBT001 (as users write it)
        """Return a decorator: the decorated function, when called, runs through this view."""
        return lambda function: RemoteFunction(self, function, block=block, **flags)

    @property
    def executor(self) -> ViewExecutor:
        """The view as a `concurrent.futures.Executor`."""
        return ViewExecutor(self)

    @property
    def history(self) -> list[str]:
        """The ids of the tasks submitted through this view, oldest first."""
        return [msg_id(task_id(self._session.id, number)) for number in self._numbers]

    @property
    def outstanding(self) -> set[str]:
        """The ids of those whose end is not known yet."""
        tasks = self._session.tasks
        return {msg_id(task_id(self._session.id, number)) for number in self._numbers if number in tasks}

    def wait(self, jobs: Any = None, timeout: float | None = -1) -> bool:
        """Wait for `jobs` (AsyncResults, msg_ids), by default for all of this view; True if they ended in time."""
        return self.client.wait(self._unfinished() if jobs is None else jobs, timeout)

    def abort(self, jobs: Any = None, targets: Any = None, block: bool | None = None) -> None:  # noqa: FBT001 (as users write it)
        """Withdraw `jobs`, by default all of this view that have not started."""
        self.client.abort(self._unfinished() if jobs is None else jobs, targets=targets, block=self._blocks(block))

    def queue_status(self, targets: Any = None, verbose: bool = False) -> Any:  # noqa: FBT001, FBT002 (as users write it)
        """Return how much each engine has to do; see `Client.queue_status`."""
        return self.client.queue_status(self.targets if targets is None else targets, verbose)

    def shutdown(
        self,
        targets: Any = None,
        restart: bool = False,  # noqa: FBT001, FBT002 (as users write it)
        hub: bool = False,  # noqa: FBT001, FBT002
        block: bool | None = None,  # noqa: FBT001
    ) -> None:
        """End this view's engines; see `Client.shutdown`."""
        self.client.shutdown(self.targets if targets is None else targets, restart=restart, hub=hub, block=block)

    @property
    def width(self) -> int:
        """How many engines there are, 0 if none."""
        raise NotImplementedError

    def _apply(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncResult:
        raise NotImplementedError

    def _pack_for_chunks(self, function: Callable[..., Any], *, return_exceptions: bool) -> tuple[PackedFunction, str]:
        """Return what calls `function` with each item of a chunk, and the name of `function`."""
        runner = each_item_or_error if return_exceptions else each_item
        packed = self.client.packer.pack(functools.partial(runner, function))
        return packed, name_of(function)

    def _blocks(self, block: bool | None) -> bool:  # noqa: FBT001 (an option handed on)
        return self.block if block is None else block

    def _unfinished(self) -> list[Task]:
        tasks = self._session.tasks
        return [task for number in self._numbers if (task := tasks.get(number)) is not None]
