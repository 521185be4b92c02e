"""What all views have in common: flags, and what has been submitted through them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self, Unpack

from engineroom.client.blocking import wait_for
from engineroom.client.executor import ViewExecutor
from engineroom.client.hinted import Hinted
from engineroom.client.lazy_map import LazyMapIterator, Submit, ahead
from engineroom.client.numbers import HISTORY, NumberHistory
from engineroom.client.remote import RemoteFunction
from engineroom.client.results import AsyncResult
from engineroom.client.targets import Targets, spell
from engineroom.client.views.flags import NOT_YET, Flags, NoSuchFlag, missing, takes
from engineroom.errors.local import called_by_users
from engineroom.ids import msg_id, task_id
from engineroom.serialize.functions import PackedFunction, name_of
from engineroom.serialize.items import each_item

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.found_results import Jobs
    from engineroom.client.session import Session
    from engineroom.client.tasks import Task

@called_by_users("apply", "apply_async", "apply_sync", "map", "map_sync", "imap")
class View(Hinted):
    """A set of engines, and a way to use them. Made by `rc[...]`, `rc.direct_view`, `rc.load_balanced_view`.

    Flags are attributes: `block`: calls wait and return the result; `targets`: which engines; `label`: a name
    for tasks; `track`: large buffers are not copied when packed (do not change them before `ar.sent`).
    """

    flags: ClassVar[frozenset[str]] = frozenset({"block", "targets", "label", "track"})
    takes_chunksize: ClassVar[bool] = False

    def __init__(self, client: Client, session: Session, **flags: Unpack[Flags]) -> None:
        self.client = client
        self.block = client.block
        self.targets: Any = None
        self.label = ""
        self.track = False
        self._session = session
        self._numbers = NumberHistory(HISTORY)
        self.set_flags(**flags)

    @takes(Flags)
    def set_flags(self, **flags: Unpack[Flags]) -> Self:
        """Set some flags, and return this view. KeyError: one does not exist; then none is set."""
        self._check_flags(flags)
        for name, value in flags.items():
            setattr(self, name, value)
        return self

    @takes(Flags)
    def temp_flags(self, **flags: Unpack[Flags]) -> AbstractContextManager[Self]:
        """Set some flags within a `with` block. KeyError: one does not exist."""
        self._check_flags(flags)
        return self._with(flags)

    @contextmanager
    def _with(self, flags: Flags) -> Iterator[Self]:
        before: Any = {name: getattr(self, name) for name in flags}
        self.set_flags(**flags)
        try:
            yield self
        finally:
            self.set_flags(**before)

    @takes(Flags)
    def with_flags(self, **flags: Unpack[Flags]) -> Self:
        """Return a view like this one with other flags; its tasks count as this one's. KeyError: no such flag."""
        return self.__copy__().set_flags(**flags)

    def apply(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `f(*args, **kwargs)` there: return its result if `block` is set, else an AsyncResult."""
        result = self._apply(f, args, kwargs)
        return wait_for(result) if self.block else result

    def apply_async(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AsyncResult:
        """Call `f(*args, **kwargs)` there; return an AsyncResult."""
        return self._apply(f, args, kwargs)

    def apply_sync(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `f(*args, **kwargs)` there; wait, and return the result."""
        return wait_for(self._apply(f, args, kwargs))

    def map(self, f: Callable[..., Any], /, *sequences: Any, block: bool | None = None, **options: Any) -> Any:
        """Call `f` with the items of `sequences`, as the builtin `map` does.

        Return the results if `block` (by default the view's), else an AsyncMapResult. Options: see `map_async`.
        """
        result = self.map_async(f, *sequences, **options)
        return wait_for(result) if self._blocks(block) else result

    def map_async(self, f: Callable[..., Any], /, *sequences: Any, **options: Any) -> AsyncResult:
        """Like `map`, without waiting."""
        raise NotImplementedError

    def map_sync(self, f: Callable[..., Any], /, *sequences: Any, **options: Any) -> Any:
        """Like `map`; wait, and return the list of results."""
        return wait_for(self.map_async(f, *sequences, **options))

    def imap(
        self,
        f: Callable[..., Any],
        /,
        *sequences: Iterable[Any],
        ordered: bool = True,
        max_outstanding: int | Literal["auto"] | None = "auto",
        return_exceptions: bool = False,
    ) -> LazyMapIterator:
        """Return an iterator over the results of `f`, which reads the (maybe endless) `sequences` as results are taken.

        `max_outstanding`: how many items ahead; "auto": enough to keep the engines busy; None: no limit. `ordered`:
        in the order of the items, else as they come. `return_exceptions`: errors become results.
        """
        limit = ahead(max_outstanding, self)
        return LazyMapIterator(
            self._session,
            f,
            sequences,
            self._submitter(f),
            limit=limit,
            ordered=ordered,
            return_exceptions=return_exceptions,
        )

    def _submitter(self, f: Callable[..., Any]) -> Submit:
        """Return what submits one item of an `imap`."""
        raise NotImplementedError

    def remote(self, block: bool | None = None, **flags: Any) -> Callable[[Callable[..., Any]], RemoteFunction]:  # noqa: FBT001 (as users write it)
        """Return a decorator: the decorated function, when called, runs through this view."""
        return lambda function: RemoteFunction(self, function, block=block, **flags)

    def get_result(
        self,
        jobs: Jobs | None = None,
        block: bool | None = None,  # noqa: FBT001 (as users write it)
        owner: bool = True,  # noqa: FBT001, FBT002
    ) -> AsyncResult:
        """Return the AsyncResult of tasks of this client, by default of this view's last; see `Client.get_result`."""
        return self.client.get_result(self.history[-1:] if jobs is None else jobs, self._blocks(block), owner)

    def purge_results(self, jobs: Any = (), targets: Targets = ()) -> None:
        """Do nothing: see `Client.purge_results`."""

    def spin(self) -> None:
        """Do nothing: results arrive by themselves. Kept for scripts that call it."""

    @property
    def executor(self) -> ViewExecutor:
        """The view as a `concurrent.futures.Executor`; `view.executor()` is the same."""
        return ViewExecutor(self)

    @property
    def history(self) -> list[str]:
        """The ids of the tasks of the calls made through this view, oldest first; each item of a map is a call."""
        calls = self._session.chunk_sizes.last_calls(self._numbers)
        return [msg_id(task_id(self._session.id, number)) for number in calls]

    @property
    def outstanding(self) -> set[str]:
        """The ids of those whose end is not known yet."""
        tasks = self._session.tasks
        return {msg_id(task_id(self._session.id, number)) for number in self._numbers if number in tasks}

    def wait(self, jobs: Any = None, timeout: float | None = -1) -> bool:
        """Wait for `jobs` (AsyncResults, msg_ids), by default for all of this view; True if they ended in time."""
        return self.client.wait(self._unfinished() if jobs is None else jobs, timeout)

    def abort(self, jobs: Any = None, targets: Any = None, block: bool | None = None) -> None:  # noqa: FBT001 (as users write it)
        """Withdraw `jobs`, by default all of this view, that have not started, and interrupt those that run."""
        self.client.abort(self._unfinished() if jobs is None else jobs, targets=targets, block=self._blocks(block))

    def queue_status(self, targets: Targets = None, verbose: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 (as users write it)
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

    def __repr__(self) -> str:
        targets = self.targets
        if isinstance(targets, list | tuple | range) and len(targets) > 8:
            shown = f"[{spell(tuple(targets))}]"  # for people: 64 ids are a line of their own
        else:
            shown = "all" if targets is None else repr(list(targets) if isinstance(targets, range) else targets)
        flags = "".join(f" {name}={value!r}" for name, value in self._changed_flags())
        return f"<{type(self).__name__} {shown}{flags}>"

    def _changed_flags(self) -> Iterator[tuple[str, Any]]:
        """Yield the flags that are not at their usual values."""
        for name in sorted(self.flags - {"targets", "rerun_lost"}):
            if value := getattr(self, name):
                yield name, value

    @property
    def width(self) -> int:
        """How many engines there are, 0 if none."""
        raise NotImplementedError

    def _apply(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncResult:
        raise NotImplementedError

    def _pack_for_chunks(self, function: Callable[..., Any]) -> tuple[PackedFunction, str]:
        """Return what calls `function` with each item of a chunk, and the name of `function`."""
        packed = self.client.packer.pack(functools.partial(each_item, function))
        return packed, name_of(function)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or name in self.flags or name == "client" or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        elif type(self).__module__.startswith("engineroom.") or name in NOT_YET:
            raise missing(self, name)  # a flag that is misspelt, or not built yet, must not be ignored in silence
        else:
            object.__setattr__(self, name, value)  # a subclass of the user's may have attributes of its own

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} belongs to this process. To call engines from an engine, make a Client there, "
            "and a view of it"
        )

    def _check_flags(self, flags: Flags) -> None:
        unknown = flags.keys() - self.flags
        for name in sorted(unknown & NOT_YET):
            raise missing(self, name)
        if unknown:
            names, known = ", ".join(sorted(unknown)), ", ".join(sorted(self.flags))
            raise NoSuchFlag(f"{type(self).__name__} has no flag {names}; it has {known}")

    def _blocks(self, block: bool | None) -> bool:  # noqa: FBT001 (an option handed on)
        return self.block if block is None else block

    def _unfinished(self) -> list[Task]:
        tasks = self._session.tasks
        return [task for number in self._numbers if (task := tasks.get(number)) is not None]
