"""Cluster: start, find and stop a controller and its engines, from Python."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import weakref
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

import msgspec
from traitlets import TraitError
from traitlets.config import Config, Configurable

from engineroom.client.arguments.hinted import Hinted
from engineroom.client.arguments.switches import checks_switches, with_switches
from engineroom.cluster.line import messages
from engineroom.cluster.owner.arguments import check_started, merged_config, refuse_unknown, running_elsewhere
from engineroom.cluster.owner.blocking import blocking, run_blocking
from engineroom.cluster.owner.clients import OwnClients
from engineroom.cluster.owner.description import as_options, not_running
from engineroom.cluster.owner.engine_sets import EngineSets
from engineroom.cluster.owner.one_engine import OneEngine
from engineroom.cluster.owner.session import HostSession
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.plan.making import host_plan
from engineroom.cluster.records import cluster_file as files
from engineroom.cluster.records.cluster_file import NoCluster
from engineroom.cluster.records.old_logs import random_id
from engineroom.errors import LaunchError
from engineroom.errors.local import users_call
from engineroom.errors.own_methods import owns_methods
from engineroom.machine.homes import expanded
from engineroom.machine.own_modules import places_for
from engineroom.machine.surroundings import own_module_path
from engineroom.settings.cluster import Cluster as ClusterOptions
from engineroom.settings.option import keywords, no_sense
from engineroom.settings.profiles import Profile

if TYPE_CHECKING:
    from engineroom.client.client import Client

_log = logging.getLogger(__name__)

_STATUS_SECONDS = 10.0
"""Seconds that the host may take to tell how it is."""


class StartedAlready(LaunchError, RuntimeError):
    """The cluster is running."""


@owns_methods
@checks_switches()
class Cluster(Hinted, EngineSets, OneEngine, ClusterOptions):
    """A cluster: one controller and its engines.

    As a context manager (`with` or `async with`), it starts the cluster, waits for all engines, and gives a connected
    Client; at the end it stops the cluster. Each async method has a blocking twin, `..._sync`.
    """

    engine_launcher_class = ClusterOptions.engine_launcher_class.as_class()
    controller_launcher_class = ClusterOptions.controller_launcher_class.as_class()

    @users_call
    @with_switches
    def __init__(
        self,
        *,
        n: int | None = None,
        engines: str | type | None = None,
        controller: str | type | None = None,
        profile: str | None = None,
        profile_dir: str | os.PathLike[str] | None = None,
        ipython_dir: str | os.PathLike[str] | None = None,
        cluster_id: str | None = None,
        cluster_file: str | os.PathLike[str] | None = None,
        controller_ip: str | None = None,
        controller_location: str | None = None,
        controller_args: Sequence[str] | None = None,
        delay: float | None = None,
        engine_timeout: float | None = None,
        engine_environment: Mapping[str, str] | None = None,
        engine_resources: Mapping[str, float | str] | str | None = None,
        engine_tags: Sequence[str] | str | None = None,
        engine_memory_limit: int | str | None = None,
        restart_dead_engines: bool | None = None,
        restart_dead_controller: bool | None = None,
        split: bool | None = None,
        progress: bool | None = None,
        engine_launcher_class: str | type | None = None,
        controller_launcher_class: str | type | None = None,
        shutdown_atexit: bool = True,
        load_profile: bool = True,
        log_level: str | int = "INFO",
        log: logging.Logger | None = None,
        config: Config | None = None,
        parent: Configurable | None = None,
        **options: Any,
    ) -> None:
        """Options that you omit come from the profile's `ipcluster_config.py`, or have their defaults.

        engines, controller (or engine_launcher_class, controller_launcher_class): "Local", "MPI", ..., or a class.
        n: number of engines (default: one per core). profile, profile_dir, ipython_dir: its profile ("default").
        cluster_id: random by default, for clusters side by side. cluster_file: file that describes the running cluster.
        controller_ip: address the controller listens on ("*": all addresses; default: this machine only).
        controller_location: address at which others reach the controller, if it cannot be detected.
        delay: seconds between starting controller and engines (default: 0). engine_timeout: seconds to wait for engines
            to register (default: 60).
        controller_args: more arguments for ipcontroller. engine_environment: more environment variables for engines.
        engine_resources, engine_tags: what tasks can ask of engines, such as {"gpu": 1} and ["bigmem"].
        engine_memory_limit: bytes, or "2GiB": memory that an engine may take while a task runs (default: no limit).
        restart_dead_engines: restart an engine that dies, with its id and an empty namespace (default: True).
        restart_dead_controller: restart a controller that dies (default: True; False if it is a batch job).
        split: batch systems only: a job for each engine. shutdown_atexit: stop with this process (default: True).
        progress: show how a start goes: from its beginning, never, or after 2 s where somebody looks (default).
        load_profile: read the options in the profile's files (default: True). log: where this object logs its warnings.
        log_level: lowest level that processes log. config: their options. parent: a Configurable whose config is used.
        options: any option by its flag. OptionError: an option does not exist, or its value is not valid.
        """
        named = keywords(type(self))
        refuse_unknown(options, named)
        given_here = {
            "n": n,
            "controller_ip": controller_ip,
            "controller_location": controller_location,
            "controller_args": None if controller_args is None else list(controller_args),
            "delay": delay,
            "engine_timeout": engine_timeout,
            "engine_environment": None if engine_environment is None else dict(engine_environment),
            "engine_resources": dict(engine_resources) if isinstance(engine_resources, Mapping) else engine_resources,
            "engine_tags": list(engine_tags) if isinstance(engine_tags, list | tuple) else engine_tags,
            "engine_memory_limit": engine_memory_limit,
            "restart_dead_engines": restart_dead_engines,
            "restart_dead_controller": restart_dead_controller,
            "split": split,
            "engine_launcher_class": engine_launcher_class if engines is None else engines,
            "controller_launcher_class": controller_launcher_class if controller is None else controller,
            **{named[name]: value for name, value in options.items()},
        }
        values = {name: value for name, value in given_here.items() if value is not None}
        self._log = log or _log
        found = Profile.find(profile, profile_dir=profile_dir, ipython_dir=ipython_dir)
        given = deepcopy(config if config is not None else parent.config if parent is not None else Config())
        merged = merged_config(given, values, found if load_profile else None)
        try:
            super().__init__(config=merged, **values)
        except TraitError as error:
            raise no_sense(error) from error
        self._profile = found
        self.cluster_id = random_id() if cluster_id is None else cluster_id
        self.shutdown_atexit, self.progress = shutdown_atexit, progress
        self.log_level = log_level
        self.cluster_file = Path(cluster_file) if cluster_file else found.cluster_file(self.cluster_id)
        self.engine_set = ""
        self._missing = ""
        self._ran = False
        self._session: HostSession | None = None
        self._client: Client | None = None
        self._clients = OwnClients()

    @classmethod
    def section_names(cls) -> list[str]:
        """Return the sections of files that count, each once: this class and its parent are both `c.Cluster`."""
        return list(dict.fromkeys(super().section_names()))

    @property
    def profile(self) -> str:
        """The name of the profile; "" if only its directory is known."""
        return self._profile.name

    @property
    def profile_dir(self) -> str:
        """The directory of the profile."""
        return str(self._profile.path)

    @property
    def launcher_places(self) -> list[str]:
        """Directories, besides Python's own path, that are searched for modules with your launchers."""
        return places_for(self._profile.path)

    @property
    def client_connection_file(self) -> str:
        """The path of the connection file for clients."""
        return str(self._profile.connection_file("client", self.cluster_id))

    @property
    def running(self) -> bool:
        """True if the cluster was started or found, and has not ended since."""
        return self._session is not None and self._session.alive

    @property
    def ended(self) -> bool:
        """True if the cluster was running and has ended."""
        return self._ran and not self.running

    @property
    def controller(self) -> dict[str, Any] | None:
        """A dict of JSON values that describes the controller's process; None if there is none.

        It has "pid" and "port" of a controller on this machine, "handle" of one that a launcher started.
        LaunchError, TimeoutError: the cluster does not answer (within 10 s).
        """
        return self.to_dict()["controller"].get("state") or None

    @property
    def engines(self) -> dict[str, Any]:
        """A dict of JSON values that describes the processes of each set of engines, by the name of the set.

        LaunchError, TimeoutError: the cluster does not answer (within 10 s).
        """
        sets: dict[str, Any] = self.to_dict()["engines"].get("sets", {})
        return sets

    async def start_cluster(self, n: int | None = None) -> None:
        """Start a controller and `n` engines (default: `Cluster.n`, or one engine per core).

        Returns when all engines have registered, or have had `engine_timeout` seconds for it; logs a warning if some
        have not. LaunchError: no engine registered, or the controller did not start; the message says why, and what to
        do. RuntimeError (also LaunchError): the cluster is running already.
        """
        await self._start(self._plan(n))
        self._warn(self._missing)

    async def start_controller(self) -> None:
        """Start a controller without engines; `start_engines` adds them.

        LaunchError: it did not start; the message says why. RuntimeError: one is already running.
        """
        plan = self._plan(None)
        await self._start(msgspec.structs.replace(plan, n=0))
        self.n = plan.n

    async def start_and_connect(self, n: int | None = None, activate: bool = False) -> Client:  # noqa: FBT001, FBT002 (as users write it)
        """Start the cluster, wait for all engines, and return a Client; `activate`: see `Client.activate`.

        LaunchError: some or all engines did not register; the message says why, and what to do.
        """
        await self._start(self._plan(n))
        try:
            if self._missing:  # waiting would not bring them
                raise LaunchError(self._missing)
            client = await self.connect_client()
            await asyncio.to_thread(client.wait_for_engines, self.n, timeout=self.engine_timeout)
            if activate:
                client.activate()
        except BaseException:
            await self.stop_cluster()
            raise
        return client

    async def connect_client(self, /, **options: Any) -> Client:
        """Return a new Client connected to this cluster; `options` are those of `Client`, and so are the errors."""
        from engineroom.client.client import Client  # those who only start and stop clusters do not wait for it

        check_started(options, self.client_connection_file, running=self.running)
        client = await asyncio.to_thread(Client, cluster=self, **options)
        self._clients.add(client)
        return client

    async def stop_cluster(self) -> None:
        """Stop the controller and all engines, and wait until they have ended. Does nothing if none is running.

        LaunchError: this process is a fork of the one that started the cluster.
        """
        self._check_process()
        session, self._session = self._session, None
        atexit.unregister(self._stop_at_exit)
        if session is not None:
            await session.stop()
            if self._file_is_elsewhere:
                self.remove_cluster_file()

    async def stop_controller(self) -> None:
        """Stop the controller and everything connected to it. Does nothing if no controller is running."""
        if self.running:
            with contextlib.suppress(LaunchError):  # its host has ended meanwhile
                await self._ask(messages.StopController())
        await self.stop_cluster()

    start_cluster_sync = blocking(start_cluster)
    start_controller_sync = blocking(start_controller)
    start_and_connect_sync = blocking(start_and_connect)
    connect_client_sync = blocking(connect_client)
    stop_cluster_sync = blocking(stop_cluster)
    stop_controller_sync = blocking(stop_controller)

    async def __aenter__(self) -> Client:
        self._client = await self.start_and_connect()
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_forked:
            return  # the cluster goes on for the process that started it
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)
        await self.stop_cluster()

    @users_call
    def __enter__(self) -> Client:
        return run_blocking(self.__aenter__())

    @users_call
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_forked:
            run_blocking(self.__aexit__(kind, error, trace))

    @classmethod
    def from_file(
        cls,
        cluster_file: str | os.PathLike[str] | None = None,
        *,
        profile: str | None = None,
        profile_dir: str | os.PathLike[str] | None = None,
        cluster_id: str = "",
        **options: Any,
    ) -> Self:
        """Return the running cluster that `cluster_file` describes, or the one with this profile and cluster id.

        For `profile`, `profile_dir`, `cluster_id` and other `options`, see `Cluster`. NoCluster (also
        FileNotFoundError): there is none, or it has ended.
        """
        found = Profile.find(profile, profile_dir=profile_dir)
        path = expanded(cluster_file) if cluster_file else found.cluster_file(cluster_id)
        try:
            values = files.read(path)
        except NoCluster as error:
            raise NoCluster(f"{error}{running_elsewhere(found)}") from None
        return cls.from_dict(values, cluster_file=path, **options)

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], **options: Any) -> Self:
        """Return the running cluster that `d`, a dict from `to_dict`, describes; `options` are those of `Cluster`.

        KeyError: the dict lacks something. NoCluster: the cluster has ended, or runs on another machine.
        """
        known = d["cluster"]
        names = set(cls.class_trait_names(config=True)) & known.keys()
        given = {name: known[name] for name in names if known[name] not in ("", None)}
        cluster = cls(
            profile_dir=known["profile_dir"],
            cluster_id=known["cluster_id"],
            shutdown_atexit=False,
            **{**given, **options},
        )
        cluster._keep(HostSession.join(d))
        cluster.engine_set = next(reversed(d.get("engines", {}).get("sets", {})), "")
        return cluster

    def to_dict(self) -> dict[str, Any]:
        """Return a description of the cluster as a dict of JSON values.

        "cluster" has its options, "controller" (with "class" and "state") and "engines" (with "class" and "sets") what
        is running; both are {} if the cluster is not. LaunchError, TimeoutError: it does not answer (within 10 s).
        """
        self._check_process()
        if self._session is not None and self._session.alive:
            values: dict[str, Any] = self._session.ask(messages.Status()).result(timeout=_STATUS_SECONDS)
            return values
        return not_running(self)

    def why(self) -> str:
        """Return why the cluster does not start or lacks engines, and what to do, or that all is well. Blocks."""
        from engineroom.cluster.why.report import as_text, why  # for those who ask

        return as_text(why(self._profile, self.cluster_id))

    def write_cluster_file(self) -> None:
        """Write `cluster_file`; LaunchError if that fails. The profile's own file is kept up to date automatically."""
        files.write(self.cluster_file, self.to_dict())

    update_cluster_file = write_cluster_file

    def remove_cluster_file(self) -> None:
        """Remove `cluster_file` if it exists."""
        self.cluster_file.unlink(missing_ok=True)

    @property
    def _file_is_elsewhere(self) -> bool:
        """Whether somebody chose a cluster file that the host does not know of."""
        return self.cluster_file != self._profile.cluster_file(self.cluster_id)

    def _plan(self, n: int | None, *, with_controller: bool = True) -> HostPlan:
        return host_plan(
            as_options(self),
            profile=self._profile,
            cluster_id=self.cluster_id,
            log_level=self.log_level,
            with_controller=with_controller,
            n=n,
            owned=self.shutdown_atexit,
            owner=os.getpid(),
            sys_path=own_module_path(),
        )

    @property
    def _is_forked(self) -> bool:
        """Whether the cluster was started, or found, by a process that this one is a fork of."""
        return self._session is not None and not self._session.here

    def _check_process(self) -> None:
        if self._session is not None and not self._session.here:
            raise LaunchError(
                f"this Cluster belongs to process {self._session.process}, and this process is a fork of it. "
                "Create a new Client() in this process; to control the cluster from here, use "
                f"Cluster.from_file(profile_dir={self.profile_dir!r}, cluster_id={self.cluster_id!r})"
            )

    async def _start(self, plan: HostPlan) -> None:
        self._check_process()
        if self.running:
            raise StartedAlready(f"cluster {self.cluster_id!r} is already running; stop it first")
        self.n = plan.n
        session = HostSession.start(plan)
        try:
            session.progress = messages.Progress(0, plan.n)
            ready = await self._shown(session, session.ready(keep=not self.shutdown_atexit))
        except BaseException:
            await session.stop()
            raise
        self._keep(session)
        self._missing = ready.missing
        self.engine_set = "1" if plan.n else ""
        if self._file_is_elsewhere:
            self.write_cluster_file()
        if self.shutdown_atexit:
            atexit.register(self._stop_at_exit)

    def _keep(self, session: HostSession) -> None:
        self._session = session
        self._ran = True
        weakref.finalize(self, session.hang_up)

    async def _ask(self, request: messages.Request) -> Any:
        self._check_process()
        if self._session is None:
            raise LaunchError(f"cluster {self.cluster_id!r} is not running; start it first")
        return await asyncio.wrap_future(self._session.ask(request))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Cluster cannot be copied, or sent to another process. To have the same cluster there, use "
            f"Cluster.from_file(profile_dir={self.profile_dir!r}, cluster_id={self.cluster_id!r})"
        )

    def _warn(self, words: str) -> None:
        """Say what is wrong with engines that were started together with others."""
        if words:
            self._log.warning("%s", words)

    def _stop_at_exit(self) -> None:
        if not self._is_forked:
            self.stop_cluster_sync()
