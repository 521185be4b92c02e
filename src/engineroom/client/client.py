"""Client: a connection to a cluster."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from collections.abc import Iterable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, SupportsIndex, Unpack, cast, overload

from engineroom.client.arguments import given_numbers
from engineroom.client.arguments.connection_info import checked_info
from engineroom.client.arguments.keywords import takes
from engineroom.client.arguments.old_options import Ignored, say_ignored
from engineroom.client.arguments.switches import checks_switches
from engineroom.client.connection.dialling import FromFile, find_dial, way_of
from engineroom.client.connection.session import MAX_UNFINISHED_BYTES, Session
from engineroom.client.connection.tasks_that_wait import inside_an_engine
from engineroom.client.connection.vigil import Wish, from_the_start
from engineroom.client.connection.whereabouts import Advice
from engineroom.client.controls import Controls, asks_versions
from engineroom.client.engines.arrivals import wait_for_engines
from engineroom.client.engines.start_news import StartNews
from engineroom.client.engines.started_cluster import StartedCluster
from engineroom.client.engines.targets import Targets, is_single, resolve, resolve_lasting
from engineroom.client.engines.versions import CLIENT, USUAL, Versions, imported_packages, versions_here
from engineroom.client.kinds import Many, One
from engineroom.client.old_ways import OldWays
from engineroom.client.pictured import Pictured
from engineroom.client.progress.audience import somebody_looks
from engineroom.client.progress.shown import Shown
from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.attaching import Attaching
from engineroom.client.results.found import Jobs, find_result, futures_apart, status_of, tasks_of
from engineroom.client.results.publishing import Publishing
from engineroom.client.results.remembered import Remembered
from engineroom.client.results.waiting_for_tasks import wait_for_tasks
from engineroom.client.showing.wanted import Shows, shows
from engineroom.client.state.numbers import HISTORY
from engineroom.client.state.versions_there import Asker
from engineroom.client.views.balanced import LoadBalancedView
from engineroom.client.views.direct import DirectView
from engineroom.client.views.executor import CallableExecutor
from engineroom.client.views.flags import BalancedCallFlags, CallFlags
from engineroom.client.waiting.waits import PATIENCE, Deadline, limit_of
from engineroom.errors.local import called_by_users
from engineroom.errors.own_methods import owns_methods
from engineroom.ids import msg_id, task_id
from engineroom.machine.standard_streams import fill_descriptors

if TYPE_CHECKING:
    from engineroom.client.views.broadcast import BroadcastView
    from engineroom.client.views.keeping import KeptCall


@owns_methods
@called_by_users("__init__", "__getitem__", "direct_view", "wait", "wait_interactive", "wait_for_engines")
@called_by_users("load_balanced_view", "get_result", "abort", "broadcast_view")
@checks_switches(init=True)
class Client(Pictured, Remembered, Attaching, Publishing, Controls, OldWays):
    """A connection to a cluster's controller, and through it to the engines.

    `rc[0]`, `rc[:]` and `rc.load_balanced_view()` return views; make calls through these. A client can be used from
    any thread. As a context manager, it closes itself at the end.
    """

    def __init__(
        self,
        connection_info: str | os.PathLike[str] | dict[str, Any] | None = None,
        *,
        profile: str | None = None,
        profile_dir: str | os.PathLike[str] | None = None,
        ipython_dir: str | os.PathLike[str] | None = None,
        cluster_id: str | None = None,
        cluster: StartedCluster | None = None,
        timeout: float = 10,
        sshserver: str | None = None,
        sshkey: str | os.PathLike[str] | None = None,
        ssh_args: Sequence[str] = (),
        password: str | None = None,
        reconnect_timeout: float = 60,
        max_unfinished_bytes: int = MAX_UNFINISHED_BYTES,
        patience: float | None = PATIENCE,
        withdraw_at_end: bool = False,
        **ignored: Unpack[Ignored],
    ) -> None:
        """Connect to a running cluster.

        `connection_info`: path or contents of an `ipcontroller-client.json`; None: that of the profile. `profile`: its
        name; None: "default". `profile_dir`: its directory, in place of the name; `ipython_dir`: where profiles are.
        `cluster_id`: which of several clusters of a profile. `cluster`: a started Cluster, in place of all these.
        `ignored`: options of ipyparallel's Client that have no meaning here; those that are set are logged.
        `timeout`: seconds to wait for that file and for the controller, together. `reconnect_timeout`: seconds to try
        to reconnect to a lost controller. `max_unfinished_bytes`: submitting waits while unfinished tasks hold more
        bytes than this. `patience`: seconds after which a call that waits says what for; None: never.
        `withdraw_at_end`: once this client has ended, by whatever cause, its unfinished tasks are cancelled and
        interrupted. `sshserver`: [user@]host[:port] to tunnel through, instead of what the file says about ssh;
        `sshkey`: the private key for it; `ssh_args`: further arguments for ssh. ssh must work without a `password`.
        ConnectionFileError, ConnectionFailed or NotLetIn: the message says what is wrong and what to do. TypeError:
        `connection_info` is something else, or there is no such option.
        """
        connection_info = ignored.pop("url_file", None) or ignored.pop("url_or_file", None) or connection_info
        say_ignored(cast("dict[str, Any]", ignored), Client.__init__.__annotations__)
        connection_info = checked_info(connection_info)
        timeout = given_numbers.seconds("timeout", timeout)
        reconnect_timeout = given_numbers.seconds("reconnect_timeout", reconnect_timeout)
        max_unfinished_bytes = given_numbers.size("max_unfinished_bytes", max_unfinished_bytes)
        patience = None if patience is None else given_numbers.seconds("patience", patience) or PATIENCE
        if connection_info is None and cluster is not None:
            connection_info = cluster.client_connection_file
        dial = find_dial(
            connection_info,
            profile=profile,
            profile_dir=profile_dir,
            ipython_dir=ipython_dir,
            cluster_id=cluster_id,
            way=way_of(sshserver, sshkey, ssh_args, password),
        )
        fill_descriptors()
        file = dial.path if isinstance(dial, FromFile) else None
        session = Session(
            dial,
            reconnect_timeout=reconnect_timeout,
            max_unfinished_bytes=max_unfinished_bytes,
            patience=patience,
            advise=Advice(file),
        )
        session.withdraw_at_end = withdraw_at_end
        session.start(timeout)
        self._use(session, file=file, profile=profile, cluster=cluster, debug=bool(ignored.get("debug")))
        if "IPython" in sys.modules:
            import_module("engineroom.client.telling_ipython").tell(self)  # not needed outside of IPython

    def _use(
        self,
        session: Session,
        *,
        file: Path | None = None,
        profile: str | None = None,
        cluster: StartedCluster | None = None,
        debug: bool = False,
    ) -> None:
        """Be the client with this session, which has been started; `file`: where it is connected by."""
        self.cluster: Any = cluster
        self.profile = profile or "default"
        self._block, self.debug = False, debug
        self._connection_file, self._session = file, session
        self._asker = Asker(session.engines.python_of, asks_versions(weakref.ref(self)))
        self._dask: Any = None
        self._comms = session.comms
        self._at_exit = _close_at_exit(session)
        self.show_output = None

    @property
    def show_output(self) -> bool | None:
        """Whether what tasks print and display is shown when their results are waited for or read. You can set it.

        None (the default): in notebooks, that of `execute`; where you are likely to look, a line that says how many
        tasks of a map wrote something. `ar.display_outputs()` shows it in any case.
        """
        return self._show_output

    @show_output.setter
    def show_output(self, wanted: bool | None) -> None:
        self._session.shows = Shows.NOTHING if wanted is None and inside_an_engine() else shows(wanted)
        self._show_output = wanted

    @property
    def ids(self) -> list[int]:
        """The ids of the engines, in order."""
        return list(self._session.engines.ids)

    @property
    def outstanding(self) -> set[str]:
        """The ids of the tasks that have not ended."""
        return {msg_id(task_id(self._session.id, number)) for number in tuple(self._session.tasks)}

    @property
    def history(self) -> list[str]:
        """The ids of the tasks of this client's calls, oldest first; the last 100,000 of them.

        Each item of a map counts as a call; all items of a chunk have the same task id.
        """
        last, session = self._session.last_number, self._session
        calls = session.chunk_sizes.last_calls(range(max(1, last - HISTORY + 1), last + 1))
        return [msg_id(task_id(session.id, number)) for number in calls]

    @property
    def kept(self) -> list[KeptCall]:
        """The calls that are kept for engines that come later, in the order in which they run there.

        See `DirectView.keep`.
        """
        from engineroom.client.views.keeping import listed_calls  # few calls are kept

        return listed_calls(self._session)

    def forget(self, calls: Any = None) -> None:
        """Keep calls no longer that were made with `keep=True` or by `@view.keep`.

        `calls`: an item of `rc.kept`, its id, or several; None: all. Engines on which one has failed take load-balanced
        tasks again. KeyError: there is no such call. TypeError: it is neither.
        """
        from engineroom.client.views.keeping import forget  # as above

        forget(self._session, calls)

    def __len__(self) -> int:
        """How many engines there are."""
        return len(self._session.engines.ids)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[DirectView[One]]:
        """Yield a DirectView of each engine."""
        return (self.direct_view(engine) for engine in self.ids)

    @overload
    def __getitem__(self, key: SupportsIndex) -> DirectView[One]: ...
    @overload
    def __getitem__(self, key: slice | Iterable[int]) -> DirectView[Many]: ...
    def __getitem__(self, key: SupportsIndex | slice | Iterable[int]) -> DirectView[Any]:
        """Return a DirectView of an engine (`rc[0]`, `rc[-1]`) or of several (`rc[:]`, `rc[::2]`, `rc[[0, 3]]`).

        `key`: an engine id, a slice of the list of ids (`rc.ids`), or several ids; negative ids count from the last
        engine. IndexError: there is no such engine. NoEnginesRegistered: there are none. TypeError: it is
        none of these.
        """
        if isinstance(key, str | bytes) or not (isinstance(key, slice | Iterable) or hasattr(key, "__index__")):
            raise TypeError(f"expected an engine id, a slice or a list of ids, got {key!r}")
        return cast("DirectView[Any]", self.direct_view(key))

    @overload
    def direct_view(self, targets: SupportsIndex, **flags: Unpack[CallFlags]) -> DirectView[One]: ...
    @overload
    def direct_view(
        self, targets: Literal["all"] | slice | Iterable[int] | None = "all", **flags: Unpack[CallFlags]
    ) -> DirectView[Many]: ...
    @takes(CallFlags)
    def direct_view(self, targets: Targets = "all", **flags: Unpack[CallFlags]) -> DirectView[Any]:
        """Return a view of exactly these engines; "all": all engines that are connected when a call is made.

        `targets`: as in `rc[targets]`, or "all". `block`, `label`, `track`, `time_limit`, `on_time_limit`: flags, see
        View. IndexError: there is no such engine.
        """
        if targets is not None and not (isinstance(targets, str) and targets == "all"):
            ids = resolve(targets, self._session.engines)
            targets = ids[0] if is_single(targets) else list(ids)
        return DirectView(self, self._session, targets="all" if targets is None else targets, **flags)

    @takes(CallFlags)
    def broadcast_view(
        self,
        targets: Targets = "all",
        is_coalescing: bool = False,  # noqa: FBT001, FBT002 (as users write it)
        *,
        coalescing: bool = False,
        **flags: Unpack[CallFlags],
    ) -> BroadcastView:
        """Return a view of these engines whose calls return lists, also for a single engine.

        `targets`: as in `rc[targets]`; None or "all": all engines that are connected when a call is made.
        `is_coalescing`, or `coalescing`, its earlier name: without effect, see BroadcastView. `block`, `label`,
        `track`, `time_limit`, `on_time_limit`: flags, see View. IndexError: there is no such engine.
        """
        from engineroom.client.views.broadcast import BroadcastView  # few use it

        is_coalescing = is_coalescing or coalescing
        if targets is None or (isinstance(targets, str) and targets == "all"):
            return BroadcastView(self, self._session, targets="all", is_coalescing=is_coalescing, **flags)
        ids = list(resolve(targets, self._session.engines))
        return BroadcastView(self, self._session, targets=ids, is_coalescing=is_coalescing, **flags)

    @takes(BalancedCallFlags)
    def load_balanced_view(self, targets: Targets = None, **flags: Unpack[BalancedCallFlags]) -> LoadBalancedView:
        """Return a view that runs each call on one of these engines, whichever is free.

        `targets`: as in `rc[targets]`; None or "all": all engines, with those that connect later. `block`,
        `label`, `track`, `time_limit`, `on_time_limit`, `after`, `follow`, `timeout`, `retries`, `rerun_lost`,
        `priority`, `gpu`, `memory`, `resources`, `tag`: flags, with times in seconds, see LoadBalancedView.
        IndexError: no such engine.
        """
        if isinstance(targets, str) and targets == "all":
            targets = None
        if targets is not None:
            targets = list(resolve_lasting(targets, self._session.engines))
        return LoadBalancedView(self, self._session, targets=targets, **flags)

    def become_dask(
        self,
        targets: Targets = "all",
        port: int = 0,
        nanny: bool = False,  # noqa: FBT001, FBT002 (as users write it)
        scheduler_args: dict[str, Any] | None = None,
        **worker_args: Any,
    ) -> Any:
        """Make engines workers of a Dask cluster, and return a `distributed.Client` of it, Dask's default from now on.

        The scheduler runs in this process, on loopback, until `stop_dask` or the end of this client; a worker in each
        of `targets`, called `distributed_worker` in its namespace. Further calls add engines. `port`: the scheduler's,
        0 for any; `scheduler_args`: other arguments of `distributed.Scheduler`. `nanny`: workers are processes of their
        own; `worker_args`: arguments of `distributed.Worker`, by default nthreads=1. ModuleNotFoundError: `distributed`
        is not installed. DaskError: an engine is on a machine that cannot reach the scheduler.
        """
        if self._dask is None:  # by name: integrations stand above clients, and few need this one
            self._dask = import_module("engineroom.integrations.dask").DaskCluster(self)
        return self._dask.start(targets, {"port": port, **(scheduler_args or {})}, {"nanny": nanny, **worker_args})

    def stop_dask(self, targets: Targets = "all") -> None:
        """Stop the Dask cluster of `become_dask`, or only its workers on the engines `targets`.

        Does nothing if there is none. IndexError: there is no such engine.
        """
        if self._dask is not None:
            self._dask.stop(targets)

    become_distributed, stop_distributed = become_dask, stop_dask

    def versions(self, *packages: str) -> Versions:
        """Return the versions of Python and of packages here and on the engines; shown as a table, differences first.

        `packages`: names that they are installed or imported by; none: what this process has imported.
        """
        names = tuple(dict.fromkeys(packages or (*USUAL, *imported_packages())))
        places: list[Any] = [CLIENT, *self.ids]
        found = [versions_here(names), *(self[:].apply_async(versions_here, names).get() if self.ids else ())]
        return Versions({name: dict(zip(places, (each[name] for each in found), strict=True)) for name in found[0]})

    @property
    def executor(self) -> CallableExecutor:
        """A `concurrent.futures.Executor` on all engines, like `rc.executor()`; `rc.executor([0, 1])` uses some."""
        return self.load_balanced_view().executor

    @overload
    def wait_for_engines(
        self,
        n: int | None = None,
        *,
        timeout: float = -1,
        block: Literal[True] = True,
        interactive: bool | None = None,
        widget: Any = None,
    ) -> None: ...
    @overload
    def wait_for_engines(
        self,
        n: int | None = None,
        *,
        timeout: float = -1,
        block: Literal[False],
        interactive: bool | None = None,
        widget: Any = None,
    ) -> Future[None]: ...
    def wait_for_engines(
        self,
        n: int | None = None,
        *,
        timeout: float = -1,
        block: bool = True,
        interactive: bool | None = None,
        widget: Any = None,
    ) -> Future[None] | None:
        """Wait until `n` engines are connected (None: as many as the cluster was started with).

        `timeout`: in seconds; negative: no limit. `block=False`: return a future instead. `interactive`: show the
        progress; None: only if someone is likely to see it. `widget`: as in a notebook (True) or as text (False); None:
        as fits. TimeoutError: too few engines connected in time. EngineError: an engine left meanwhile. Both name the
        first step of the start that failed, and what to do.
        """
        wanted = (getattr(self.cluster, "n", None) or 1) if n is None else given_numbers.count("n", n)
        show = block and somebody_looks() if interactive is None else interactive
        news = StartNews(self._session, self._connection_file)
        shown = Shown(lasting=bool(interactive), widget=widget) if show else None
        return wait_for_engines(self._session, news, wanted, limit_of(timeout), block=block, shown=shown)

    def wait(self, jobs: Any = None, timeout: float | None = -1, *, progress: bool | None = None) -> bool:
        """Wait for `jobs` (default: all); True if they ended within `timeout` seconds (negative: no limit).

        `jobs`: an AsyncResult or other future, a message id, an index into the history, or a list of these. `progress`:
        see `AsyncResult.wait`.
        """
        deadline = Deadline(limit_of(timeout))
        others, jobs = futures_apart(jobs)
        tasks = tasks_of(self._session, jobs)
        return wait_for_tasks(self._session, tasks, deadline, Wish(progress)) and not (
            others and futures.wait(others, deadline.left()).not_done
        )

    def wait_interactive(
        self, jobs: Jobs | None = None, interval: float = 1.0, timeout: float | None = -1, widget: object = None
    ) -> bool:
        """Wait like `wait`, and show the progress from the start; see `AsyncResult.wait_interactive`.

        `jobs`: see `wait`; all of them tasks of this client. `interval`: seconds between updates. `timeout`: in
        seconds; None or negative: no limit. `widget`: as in a notebook (True) or as text (False); None: as fits.
        """
        wish = from_the_start(interval, widget)
        session, deadline = self._session, Deadline(limit_of(timeout))
        tasks = tasks_of(session, None if jobs is None else status_of(session, jobs)["pending"])
        return wait_for_tasks(session, tasks, deadline, wish)

    def get_result(
        self,
        indices_or_msg_ids: Jobs | None = None,
        block: bool | None = None,  # noqa: FBT001 (as users write it)
        owner: bool = True,  # noqa: FBT001, FBT002
    ) -> AsyncResult[Any]:
        """Return the AsyncResult of tasks, of any client; `block`: wait for them first.

        `indices_or_msg_ids`: a message id, an index into the history (None: the last task), an AsyncResult, or a list
        of these. For tasks of other clients, and for old ones of this client, it is an AsyncHubResult. `owner` has no
        effect. KeyError: no such task is known.
        """
        jobs = -1 if indices_or_msg_ids is None else indices_or_msg_ids
        result = find_result(self._session, jobs, owner=owner)
        if self.block if block is None else block:
            result.wait()
        return result

    def abort(
        self,
        jobs: Any = None,
        targets: Targets = None,
        block: bool | None = None,  # noqa: FBT001 (as users write it)
        *,
        force: bool = False,
    ) -> None:
        """Cancel those of `jobs` (default: all) that have not started, and interrupt those that are running.

        `jobs`: an AsyncResult, a message id, an index into the history, or a list of these. `targets`: only tasks that
        are bound to these engines. `block`: wait until the controller has decided which tasks had not started; None: as
        `rc.block` says. `force`: restart the engines of tasks that do not end within `IPController.interrupt_grace`
        (5 s); these raise TaskAborted. TypeError: `jobs` is none of these.
        """
        tasks = tasks_of(self._session, jobs)
        if targets is not None:
            ids = resolve(targets, self._session.engines)
            tasks = [task for task in tasks if task.target in ids]
        self._session.abort(tasks, interrupt=True, force=force)
        if self.block if block is None else block:
            self.queue_status()  # its answer comes after what the controller decided at once

    async def room(self, size: int = 1) -> None:
        """Return once `size` bytes more can be submitted within `max_unfinished_bytes`.

        Await this in a coroutine before each call with large arguments. There, a call that finds no room raises
        BufferError: a wait would stop the event loop.
        """
        await self._session.wait_for_room(given_numbers.size("size", size))

    def close(self, linger: float | None = None) -> None:
        """Close the connection. Submitted tasks keep running; AsyncResults that are still waiting fail.

        Large arguments and functions that have not been sent yet are sent first. `linger`: wait at most so many
        seconds for that; None: until 10 s pass without progress. Ctrl-C ends the wait. If some are left, a message
        says how many tasks will not run.
        """
        limit = limit_of(linger, "linger")
        atexit.unregister(self._at_exit)
        self.stop_dask()
        self._session.close(linger=limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Client cannot be sent to another process. To call engines from an engine, create a Client there"
        )


def client_of(session: Session) -> Client:
    """Return a client that uses `session`, which has been started; for those who dial in a way of their own."""
    client = object.__new__(Client)
    client._use(session)
    return client


def _close_at_exit(session: Session) -> Any:
    reference = weakref.ref(session)

    def close() -> None:
        session = reference()
        if session is not None:
            session.close("the program ended")

    atexit.register(close)
    return close
