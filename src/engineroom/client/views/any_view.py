"""What all views do themselves: flags, calls, and the history of their tasks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, Unpack, cast, overload

from engineroom.client.arguments.hinted import Hinted
from engineroom.client.arguments.keywords import takes
from engineroom.client.arguments.switches import checks_switches
from engineroom.client.engines.targets import Targets, resolve, spell
from engineroom.client.kinds import AsyncFunction, Function, Kind, Many, One, T
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.blocking import result_of
from engineroom.client.state.numbers import HISTORY, NumberHistory
from engineroom.client.views.flags import Flags, missing
from engineroom.client.views.terms import CHECKED, IN_TERMS, LIMIT_FLAGS, OnTimeLimit, checked, terms_of
from engineroom.errors import NoEnginesRegistered, NoSuchFlag, PackError
from engineroom.errors.local import called_by_users, is_for_users, show_users_frames
from engineroom.ids import msg_id, task_id
from engineroom.protocol.messages import Terms
from engineroom.serialize.chunks.items import each_item
from engineroom.serialize.functions.packing import PackedFunction, name_of

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.maps.gather_results import AsyncGatherResult
    from engineroom.client.maps.map_results import AsyncMapResult
    from engineroom.client.results.found import Jobs
    from engineroom.client.sequences.partitions import Distribution
    from engineroom.client.state.tasks import Task
    from engineroom.client.views.caller import Caller


@called_by_users("apply", "apply_sync", "map", "map_sync")
@called_by_users("set_flags", "temp_flags", "with_flags", "wait", "abort", "shutdown", "queue_status")
@checks_switches()
class AnyView(Hinted, Generic[Kind]):
    """A view without what is built on views: executors, lazy maps and remote functions."""

    _flag_names: ClassVar[frozenset[str]] = frozenset({"block", "targets", "label", "track"}) | LIMIT_FLAGS
    _takes_chunksize: ClassVar[bool] = False
    time_limit: float | None = None
    on_time_limit: OnTimeLimit = "interrupt"
    _terms: Terms | None = None
    _plain: bool | None = None
    """What is known of all flags together (see LoadBalancedView), None once one has been set."""

    def __init__(self, client: Caller, session: Session, **flags: Unpack[Flags]) -> None:
        self.client = client
        self.block = client.block
        self.targets: Any = None
        self.label = ""
        self.track = False
        self._session = session
        self._pack = session.packer.pack
        self._numbers = NumberHistory(HISTORY)
        self.set_flags(**flags)

    @takes(Flags)
    def set_flags(self, **flags: Unpack[Flags]) -> Self:
        """Set `flags` and return this view. KeyError: a flag does not exist; none is set."""
        self._check_flags(flags)
        for name, value in flags.items():
            setattr(self, name, value)
        return self

    @takes(Flags)
    def temp_flags(self, **flags: Unpack[Flags]) -> AbstractContextManager[Self]:
        """Set `flags` for the duration of a `with` block. KeyError: a flag does not exist."""
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
        """Return a copy of this view with other `flags`; both share one history. KeyError: a flag does not exist."""
        return self.__copy__().set_flags(**flags)

    def apply(self, f: Function[Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `f(*args, **kwargs)` on the engines; return the result if `block` is set, else an AsyncResult."""
        if self.block:
            return result_of(self._session, lambda: self._apply(f, args, kwargs))
        return self._apply(f, args, kwargs)

    @overload
    def apply_async(self: AnyView[One], f: AsyncFunction[T], /, *args: Any, **kwargs: Any) -> AsyncResult[T]: ...
    @overload
    def apply_async(self: AnyView[Many], f: AsyncFunction[T], /, *args: Any, **kwargs: Any) -> AsyncResult[list[T]]: ...
    @overload
    def apply_async(self: AnyView[One], f: Function[T], /, *args: Any, **kwargs: Any) -> AsyncResult[T]: ...
    @overload
    def apply_async(self: AnyView[Many], f: Function[T], /, *args: Any, **kwargs: Any) -> AsyncResult[list[T]]: ...
    def apply_async(self, f: Function[Any], /, *args: Any, **kwargs: Any) -> AsyncResult[Any]:
        """Call `f(*args, **kwargs)` on the engines and return an AsyncResult at once."""
        try:
            return self._apply(f, args, kwargs)
        except BaseException as error:
            if is_for_users(error):
                show_users_frames(error)
            raise

    @overload
    def apply_sync(self: AnyView[One], f: AsyncFunction[T], /, *args: Any, **kwargs: Any) -> T: ...
    @overload
    def apply_sync(self: AnyView[Many], f: AsyncFunction[T], /, *args: Any, **kwargs: Any) -> list[T]: ...
    @overload
    def apply_sync(self: AnyView[One], f: Function[T], /, *args: Any, **kwargs: Any) -> T: ...
    @overload
    def apply_sync(self: AnyView[Many], f: Function[T], /, *args: Any, **kwargs: Any) -> list[T]: ...
    def apply_sync(self, f: Function[Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call `f(*args, **kwargs)` on the engines and wait; return the result (for several engines: a list)."""
        return result_of(self._session, lambda: self._apply(f, args, kwargs))

    def map(self, f: Function[Any], /, *sequences: Any, block: bool | None = None, **options: Any) -> Any:
        """Call `f` with the items of `sequences`, as the builtin `map` does.

        Returns the list of results if `block` (default: the view's flag), else an AsyncMapResult. For other options see
        `map_async`.
        """
        if self._blocks(block):
            return result_of(self._session, lambda: self.map_async(f, *sequences, **options))
        return self.map_async(f, *sequences, **options)

    def map_async(self, f: Function[Any], /, *sequences: Any, **options: Any) -> AsyncMapResult[Any]:
        """Call `f` with the items of `sequences`, as the builtin `map` does; return an AsyncMapResult at once.

        `options`: see `DirectView.map_async` and `LoadBalancedView.map_async`.
        """
        raise NotImplementedError

    def map_sync(self, f: Function[Any], /, *sequences: Any, **options: Any) -> list[Any]:
        """Call `f` with the items of `sequences`, as the builtin `map` does; wait, and return the list of results.

        Options: see `map_async`.
        """
        return cast("list[Any]", result_of(self._session, lambda: self.map_async(f, *sequences, **options)))

    def _call_with_parts(
        self, f: Function[Any], parts: Sequence[tuple[Any, ...]], distribution: Distribution
    ) -> AsyncGatherResult:
        """Call `f(*part)` for each of `parts`, each on another engine as far as there are engines."""
        raise NotImplementedError

    def get_result(
        self,
        indices_or_msg_ids: Jobs | None = None,
        block: bool | None = None,
        owner: bool = False,
    ) -> AsyncResult[Any]:
        """Return the AsyncResult of tasks of this client (default: the view's last task); see `Client.get_result`."""
        jobs = self.history[-1:] if indices_or_msg_ids is None else indices_or_msg_ids
        return self.client.get_result(jobs, self._blocks(block), owner)

    def purge_results(self, jobs: Any = (), targets: Targets = ()) -> None:
        """Forget results that `rc.results` keeps; see `Client.purge_local_results`."""
        self.client.purge_results(jobs, targets)

    @property
    def results(self) -> Mapping[str, Any]:
        """The results of the client's tasks by message id: `rc.results`."""
        return self.client.results

    def spin(self) -> None:
        """Do nothing: results arrive by themselves. This method exists for old scripts."""

    @property
    def history(self) -> list[str]:
        """The ids of the tasks of the calls made through this view, oldest first; each item of a map is a call."""
        calls = self._session.chunk_sizes.last_calls(self._numbers)
        return [msg_id(task_id(self._session.id, number)) for number in calls]

    @property
    def outstanding(self) -> set[str]:
        """The ids of this view's tasks that have not ended."""
        tasks = self._session.tasks
        return {msg_id(task_id(self._session.id, number)) for number in self._numbers if number in tasks}

    def wait(self, jobs: Any = None, timeout: float | None = -1) -> bool:
        """Wait for `jobs` (default: all tasks of this view); True if they ended within `timeout` seconds.

        None or negative: no limit. See `Client.wait`.
        """
        return self.client.wait(self._unfinished() if jobs is None else jobs, timeout)

    def abort(self, jobs: Any = None, targets: Any = None, block: bool | None = None, *, force: bool = False) -> None:
        """Cancel those of `jobs` (default: all of this view) that have not started, and interrupt running ones.

        See `Client.abort`.
        """
        unfinished = self._unfinished() if jobs is None else jobs
        self.client.abort(unfinished, targets=targets, block=self._blocks(block), force=force)

    def queue_status(self, targets: Targets = None, verbose: bool = False) -> dict[Any, Any]:
        """Return the number of queued and completed calls of each engine; see `Client.queue_status`."""
        return self.client.queue_status(self.targets if targets is None else targets, verbose)

    def shutdown(
        self,
        targets: Any = None,
        restart: bool = False,
        hub: bool = False,
        block: bool | None = None,
    ) -> None:
        """Stop this view's engines; see `Client.shutdown`."""
        self.client.shutdown(self.targets if targets is None else targets, restart=restart, hub=hub, block=block)

    def __repr__(self) -> str:
        targets = self.targets
        if isinstance(targets, list | tuple | range) and len(targets) > 8:
            shown = f"[{spell(tuple(targets))}]"  # for people: 64 ids are a line of their own
        else:
            shown = "all" if targets is None else repr(list(targets) if isinstance(targets, range) else targets)
        flags = "".join(f" {name}={value!r}" for name, value in self._changed_flags())
        return f"<{type(self).__name__} {shown}{flags}>"

    def _repr_html_(self) -> str:
        """Return a table of the engines, for notebooks; waits for 0.3 s at most."""
        from engineroom.client.engines.pictured import HEADS, rows_of  # for those who look
        from engineroom.client.pictures.tables import table

        ids = self._session.engines.ids
        with contextlib.suppress(IndexError, TypeError, NoEnginesRegistered):
            ids = resolve(self.targets, self._session.engines)
        rows, note = rows_of(self._session, ids)
        return table(repr(self), HEADS, rows, note=note)

    def _changed_flags(self) -> Iterator[tuple[str, Any]]:
        """Yield the flags that are not at their usual values."""
        for name in sorted(self._flag_names - {"targets", "rerun_lost"}):
            if (value := getattr(self, name)) and value != "interrupt":
                yield name, value

    @property
    def _width(self) -> int:
        """How many engines there are, 0 if none."""
        raise NotImplementedError

    def _apply(self, function: Function[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncResult[Any]:
        raise NotImplementedError

    def _pack_for_chunks(self, function: Function[Any]) -> tuple[PackedFunction, str]:
        """Return what calls `function` with each item of a chunk, and the name of `function`."""
        if not callable(function):
            self._pack(function)  # refuses all but references
        try:
            packed = self._pack(function, each_item)
        except PackError:
            self._pack(function)  # says it without what is ours
            raise
        name = name_of(function)
        return packed._replace(name=name), name

    if not TYPE_CHECKING:  # a checker would let any name be assigned to

        def __setattr__(self, name: str, value: Any) -> None:
            if name in CHECKED:
                try:
                    value = checked(name, value)
                except TypeError as error:
                    if is_for_users(error):
                        show_users_frames(error)
                    raise
            if name.startswith("_") or name in self._flag_names or name == "client" or hasattr(type(self), name):
                object.__setattr__(self, name, value)
                if name in self._flag_names:
                    self._flag_was_set(name)
            elif type(self).__module__.startswith("engineroom."):
                try:
                    raise missing(self, name)  # a flag that is misspelt, or not built yet, must not be lost in silence
                except AttributeError as error:
                    show_users_frames(error)
                    raise
            else:
                object.__setattr__(self, name, value)  # a subclass of the user's may have attributes of its own

    def _flag_was_set(self, name: str) -> None:
        self._plain = None
        if name in IN_TERMS:
            self._terms = terms_of(self)

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be sent to another process. To call engines from an engine, create a "
            "Client there, and a view from it"
        )

    def _check_flags(self, flags: Flags) -> None:
        unknown = flags.keys() - self._flag_names
        if unknown:
            names, known = ", ".join(sorted(unknown)), ", ".join(sorted(self._flag_names))
            raise NoSuchFlag(f"{type(self).__name__} has no flag {names}; it has {known}")
        for name in CHECKED & flags.keys():  # before any of them is set
            checked(name, flags[name])  # type: ignore[literal-required]  # the names are checked above

    def _blocks(self, block: bool | None) -> bool:
        return self.block if block is None else block

    def _unfinished(self) -> list[Task]:
        tasks = self._session.tasks
        return [task for number in self._numbers if (task := tasks.get(number)) is not None]
