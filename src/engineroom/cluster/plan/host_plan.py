"""What a host is to do, all of it, as plain data: made from options, sent to the host as JSON."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from traitlets import TraitError
from traitlets.config import Config

from engineroom.cluster.launchers.spec import LauncherSpec
from engineroom.cluster.plan.local_options import GRACE, ForkedEngines, controller_here, forked_engines
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import EngineConfig
from engineroom.machine.homes import expanded
from engineroom.machine.own_modules import places_for
from engineroom.machine.surroundings import cores, own_directory
from engineroom.settings.application import LEVELS, with_json
from engineroom.settings.cluster import Cluster as ClusterOptions
from engineroom.settings.command_line import as_arguments
from engineroom.settings.controller import HeartMonitor, IPController, TaskScheduler
from engineroom.settings.engine import IPEngine
from engineroom.settings.engine_places import may_be_elsewhere
from engineroom.settings.ipython_options import ipython_arguments, ipython_options
from engineroom.settings.launcher_kinds import CONTROLLER, ENGINE, KINDS, OWN, loaded
from engineroom.settings.option import configured, names_in, no_sense
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_arguments, read_config_files
from engineroom.transport.ways import Way

log = logging.getLogger(__name__)

_App = TypeVar("_App", IPController, IPEngine)

STOP_TIMEOUT, STOP_TIMEOUT_BY_SSH = 4.0, 10.0
"""Seconds that processes of this machine may take to end."""

TO_KILL = 3.0
"""Seconds more than their grace that processes of this machine may take: to be asked, and to be killed."""


class HostPlan(msgspec.Struct, kw_only=True, frozen=True):
    """`controller`: None where one runs already; `engine`: what all engines have in common; `n`: how many to start
    with; `pause`: seconds from when the controller listens to their start; `delay`: between two that the host itself
    starts; `grace`: from asking one of these to end until it is killed; `controller_timeout`: seconds that a controller
    here may take to listen; `controller_environment`, `engine_environment`: variables for it and for engines;
    `options`: the cluster's own, for its file; `owned`: end with the process that started the host, whose pid is
    `owner`; `controller_launcher`, `engine_launcher`: what starts them, None: the host itself; `launcher_names`: as
    users know these two; `controller_arguments`, `engine_arguments`: for those that read their profile's files by
    themselves; `stop_timeout`: seconds that all of it may take to end."""

    profile_dir: str
    cluster_id: str
    engine: EngineConfig
    controller: ControllerConfig | None = None
    n: int = 0
    engine_timeout: float = 60.0
    pause: float = 0.0
    delay: float = 0.0
    grace: float = GRACE
    restart_engines: bool = False
    clean_logs: bool = False
    log_level: str = "INFO"
    controller_environment: dict[str, str] = {}
    controller_timeout: float = 60.0
    engine_environment: dict[str, str] = {}
    owned: bool = True
    owner: int = 0
    options: dict[str, Any] = {}
    controller_launcher: LauncherSpec | None = None
    engine_launcher: LauncherSpec | None = None
    launcher_names: tuple[str, str] = ("Local", "Local")
    controller_arguments: list[str] = []
    engine_arguments: list[str] = []
    stop_timeout: float = STOP_TIMEOUT

    @property
    def profile(self) -> Profile:
        return Profile(Path(self.profile_dir))

    @property
    def takes_long_to_stop(self) -> bool:
        """Whether more has to end than processes of this machine."""
        return self.stop_timeout > STOP_TIMEOUT


def level_name(level: str | int) -> str:
    """Return `level` as a name that every process understands."""
    if isinstance(level, str):
        return level.upper()
    return LEVELS[max(0, min(len(LEVELS) - 1, level // 10 - 1))]


def controller_config(options: IPController) -> ControllerConfig:
    """Return what the controller needs to know of its options."""
    if "IPController.db_class" in names_in(options.config):
        log.warning("IPController.db_class has no effect yet: finished tasks are not kept in a database")
    beats = configured(HeartMonitor, options.config)
    return ControllerConfig(
        security_dir=str(options.profile_directory.security_dir),
        cluster_id=options.cluster_id,
        ip=options.ip,
        ports=options.ports,
        location=options.location,
        reuse=options.reuse_files,
        client_file=options.client_json_file,
        engine_file=options.engine_json_file,
        ssh=options.ssh_server,
        engine_ssh=options.engine_ssh_server,
        policy=configured(TaskScheduler, options.config).scheme_name,
        heartbeat=beats.period / 1000,
        misses=beats.max_heartmonitor_misses,
        reattach_grace=options.reattach_grace,
        reconnect_timeout=options.reconnect_timeout,
        lease=options.lease,
        unresponsive=options.unresponsive,
        unresponsive_timeout=options.unresponsive_timeout,
        linger=options.linger,
        max_kept_bytes=options.max_kept_bytes,
        max_total_kept_bytes=options.max_total_kept_bytes,
        max_submitted_bytes=options.max_submitted_bytes,
        max_link_bytes=options.max_link_bytes,
        max_idle_function_bytes=options.max_idle_function_bytes,
    )


def engine_config(options: IPEngine, *, sys_path: Sequence[str] = ()) -> EngineConfig:
    """Return what an engine needs to know of its options; `sys_path`: as for `host_plan`."""
    profile = options.profile_directory
    if options.url_file:
        file = _absolute(options.url_file)
    elif options.url_file_name:
        file = str(profile.security_dir / options.url_file_name)
    else:
        file = str(profile.connection_file("engine", options.cluster_id))
    here = own_directory()
    return EngineConfig(
        connection_file=file,
        way=Way(
            url=options.url,
            location=options.location,
            ssh=options.sshserver,
            ssh_key=_absolute(options.sshkey),
            ssh_args=tuple(options.ssh_args),
        ),
        steps=str(profile.steps_file(options.cluster_id)),
        cluster_options=profile.options(options.cluster_id),
        wanted_id=options.id,
        work_dir=options.work_dir or here,
        startup_script=_absolute(options.startup_script),
        startup_command=options.startup_command,
        profile_dir=str(profile.path),
        ipython=ipython_options(options.config),
        mpi=options.use_mpi,
        init_mpi=options.init_mpi,
        log_level=level_name(options.log_level),
        sys_path=list(sys_path) or ([here] if here else []),
        connect_timeout=options.timeout,
        reconnect_timeout=options.reconnect_timeout,
        max_result_bytes=options.max_result_bytes,
        max_output_bytes=options.max_output_bytes,
        max_unacknowledged_bytes=options.max_unacknowledged_bytes,
        max_function_bytes=options.max_function_bytes,
    )


def _absolute(path: str) -> str:
    return str(expanded(path).absolute()) if path else ""


def host_plan(
    options: ClusterOptions,
    *,
    profile: Profile,
    cluster_id: str,
    log_level: str | int,
    with_controller: bool = True,
    controller_args: Sequence[str] = (),
    clean_logs: bool = False,
    n: int | None = None,
    owned: bool = True,
    owner: int = 0,
    sys_path: Sequence[str] = (),
) -> HostPlan:
    """Return the plan of a cluster with `options`, whose config may also have sections for controller and engines.

    What the profile's files say counts less; what `controller_args` and `n` say counts more. `owned`, `owner`: as in
    the plan. `sys_path`: where engines look for modules first, (): in this process's directory. OptionError: something
    in the options makes no sense.
    """
    place = Config(
        BaseParallelApplication={"profile_dir": str(profile.path), "cluster_id": cluster_id, "log_level": log_level}
    )
    engine = _application(IPEngine, options.config, place)
    controller = _controller_options(options, place, controller_args) if with_controller else None
    if controller is not None and controller.engine_json_file and not engine.url_file:
        engine.url_file_name = controller.engine_json_file
    controller_launcher = None
    if controller is not None:
        controller_launcher = _launcher(options, options.controller_launcher_class, CONTROLLER, profile)
    engine_launcher = _launcher(options, options.engine_launcher_class, ENGINE, profile)
    _say_what_has_no_effect(options, profile, cluster_id, controller_launcher, engine_launcher)
    here = controller_here(options.config)
    forked = ForkedEngines() if engine_launcher else forked_engines(options.config)
    return HostPlan(
        profile_dir=str(profile.path),
        controller_launcher=controller_launcher,
        engine_launcher=engine_launcher,
        grace=forked.grace,
        stop_timeout=_patience(forked.grace, controller_launcher, engine_launcher),
        launcher_names=(str(options.controller_launcher_class), str(options.engine_launcher_class)),
        controller_arguments=[
            *as_arguments(options.config, "IPController", "TaskScheduler", "HeartMonitor"),
            *options.controller_args,
            *controller_args,
        ],
        engine_arguments=[*as_arguments(options.config, "IPEngine"), *ipython_arguments(options.config)],
        cluster_id=cluster_id,
        controller=None if controller is None else controller_config(controller),
        engine=engine_config(engine, sys_path=sys_path),
        n=_count(engine_launcher, n, options.n),
        owned=owned,
        owner=owner,
        engine_timeout=options.engine_timeout,
        pause=options.delay,
        delay=forked.delay,
        restart_engines=options.restart_dead_engines,
        log_level=level_name(log_level),
        clean_logs=clean_logs,
        controller_environment=dict(here.environment) if controller else {},
        controller_timeout=here.seconds,
        engine_environment={**forked.environment, **options.engine_environment},
        options={
            "n": options.n,
            "controller_ip": options.controller_ip,
            "controller_location": options.controller_location,
            "controller_args": list(options.controller_args),
            "delay": options.delay,
            "engine_launcher_class": str(options.engine_launcher_class),
            "controller_launcher_class": str(options.controller_launcher_class),
        },
    )


def _count(engine_launcher: LauncherSpec | None, *said: int | None) -> int:
    """Return the first number that somebody has `said`; else as many engines as the launcher says, or one per core."""
    for number in said:
        if number is not None:
            return number
    if engine_launcher is None:
        return cores()
    from engineroom.cluster.launchers.choose import options_of  # as below

    count = options_of(engine_launcher).launcher_kind.count
    found: int | None = loaded(count)(engine_launcher.options) if count else None
    return cores() if found is None else found


def _launcher(options: ClusterOptions, name: str, role: str, profile: Profile) -> LauncherSpec | None:
    """Return the launcher that `name` stands for; None: things are started by the host itself."""
    if _by_host(options.config, name, role):
        return None
    from engineroom.cluster.launchers.choose import options_of, spec_of  # most clusters are local, and do without

    spec = spec_of(name, role, options.config, places_for(profile.path))
    if options.split is not None and role == ENGINE and "split" in options_of(spec).trait_names(config=True):
        return msgspec.structs.replace(spec, options={**spec.options, "split": options.split})
    return spec


def _patience(grace: float, *launchers: LauncherSpec | None) -> float:
    """Return the seconds that a host's children may take to end: jobs are cancelled, and seen to be gone.

    `grace`: of engines that the host forks.
    """
    found = [STOP_TIMEOUT, grace + TO_KILL]
    for spec in filter(None, launchers):
        from engineroom.cluster.launchers.choose import options_of  # as above

        options = options_of(spec)
        found.append(loaded(options.launcher_kind.stop_seconds)(options))
    return max(found)


def _say_what_has_no_effect(
    options: ClusterOptions, profile: Profile, cluster_id: str, *launchers: LauncherSpec | None
) -> None:
    if not any(launchers) and not any(section.endswith("Launcher") for section in options.config):
        return
    from engineroom.cluster.launchers.choose import options_of  # as above
    from engineroom.cluster.plan.no_effect import remarks
    from engineroom.settings.launchers import LocalControllerLauncher, LocalEngineSetLauncher
    from engineroom.trail.advice import for_cluster

    here = (LocalControllerLauncher(), LocalEngineSetLauncher())
    found = [each if spec is None else options_of(spec) for spec, each in zip(launchers, here, strict=True)]
    for words in dict.fromkeys(remarks(options, found, profile.path)):
        log.warning("%s", for_cluster(words, profile.options(cluster_id)))


def _by_host(config: Config, name: str, role: str) -> bool:
    """Return whether the host itself starts what the launcher `name` stands for, with the options in `config`."""
    kind = KINDS.get(name, OWN)
    sections = (kind.classes.get(role, ""), "EngineLauncher" if role == ENGINE else "ControllerLauncher")
    said = [config[section] for section in sections if section in config]
    return role in kind.by_host and not any(section.get(each) for section in said for each in kind.by_host[role])


def _launchers_arguments(options: ClusterOptions, places: Sequence[str]) -> Sequence[str]:
    """Return what the launcher of a controller that gets its plan from us has to say to it."""
    name = options.controller_launcher_class
    if _by_host(options.config, name, CONTROLLER):
        return controller_here(options.config).arguments
    from engineroom.settings.launcher_classes import launcher_class  # many classes, and few need them

    cls = launcher_class(name, controller=True, places=places)
    told: Any = configured(cls, options.config)
    return list(told.controller_args) if cls.launcher_kind.controller_by_plan else []


def _controller_options(options: ClusterOptions, place: Config, arguments: Sequence[str]) -> IPController:
    app = _application(IPController, options.config, place)
    if options.controller_ip:
        app.ip = options.controller_ip
    if options.controller_location:
        app.location = options.controller_location
    places = places_for(Path(place["BaseParallelApplication"]["profile_dir"]))
    if every := [*_launchers_arguments(options, places), *options.controller_args, *arguments]:
        read_arguments(app, every)
    said = options.controller_ip or any("IPController.ip" in names_in(each) for each in (app.config, app.cli_config))
    if not said and may_be_elsewhere(options.engine_launcher_class, options.config, places=places):
        app.ip = "*"  # encrypted, and with a key: nobody else gets in
    return app


def _application(cls: type[_App], config: Config, place: Config) -> _App:
    """Return a `cls` with the options in its own file, in `config` over these, and at `place`."""
    app = cls()
    app.cli_config = place
    profile_dir = Path(place["BaseParallelApplication"]["profile_dir"])
    merged = read_config_files(with_json(profile_dir / f"{cls.config_name}_config.py"), app.all_classes())
    for layer in (config, place):
        merged.merge(layer)
    try:
        app.update_config(merged)
    except TraitError as error:
        raise no_sense(error) from error
    return app
