"""The plan of a host, made from the options of a cluster, its launchers, its controller and its engines."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from traitlets.config import Config

from engineroom.cluster.launchers.spec import LauncherSpec
from engineroom.cluster.plan.host_plan import STOP_TIMEOUT, TO_KILL, HostPlan
from engineroom.cluster.plan.local_options import ForkedOptions, controller_here, forked_options
from engineroom.cluster.plan.programs import application, controller_config, engine_config, level_name
from engineroom.machine.own_modules import places_for
from engineroom.machine.surroundings import cores
from engineroom.settings.cluster import Cluster as ClusterOptions
from engineroom.settings.command_line import as_arguments
from engineroom.settings.controller import IPController
from engineroom.settings.databases import DATABASES
from engineroom.settings.engine import IPEngine
from engineroom.settings.engine_places import may_be_elsewhere
from engineroom.settings.ipython_options import ipython_arguments
from engineroom.settings.launcher_kinds import CONTROLLER, ENGINE, KINDS, OWN, loaded
from engineroom.settings.option import configured, names_in
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_arguments

log = logging.getLogger(__name__)

_DATABASES = tuple(cls.__name__ for cls in DATABASES)


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
    config = _with_engine_options(options)
    engine = application(IPEngine, config, place)
    controller = _controller_options(options, place, controller_args) if with_controller else None
    if controller is not None and controller.engine_json_file and not engine.url_file:
        engine.url_file_name = controller.engine_json_file
    controller_launcher = None
    if controller is not None:
        controller_launcher = _launcher(options, options.controller_launcher_class, CONTROLLER, profile)
    engine_launcher = _launcher(options, options.engine_launcher_class, ENGINE, profile)
    _say_what_has_no_effect(options, profile, cluster_id, controller_launcher, engine_launcher)
    here = controller_here(options.config)
    forked = ForkedOptions() if engine_launcher else forked_options(options.config)
    return HostPlan(
        profile_dir=str(profile.path),
        controller_launcher=controller_launcher,
        engine_launcher=engine_launcher,
        grace=forked.grace,
        stop_timeout=_patience(forked.grace, controller_launcher, engine_launcher),
        launcher_names=(str(options.controller_launcher_class), str(options.engine_launcher_class)),
        controller_arguments=[
            *as_arguments(options.config, "IPController", "TaskScheduler", "HeartMonitor", *_DATABASES),
            *options.controller_args,
            *controller_args,
        ],
        engine_arguments=[*as_arguments(config, "IPEngine"), *ipython_arguments(options.config)],
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
        restart_controller=_restarts(options, controller_launcher),
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


def _with_engine_options(options: ClusterOptions) -> Config:
    """Return the config, in which what the cluster says of its engines is said to them."""
    said = {
        "resources": options.engine_resources,
        "tags": options.engine_tags,
        "memory_limit": options.engine_memory_limit,
    }
    config = Config()
    config.merge(options.config)
    config.merge(Config(IPEngine={name: value for name, value in said.items() if value}))
    return config


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


def _restarts(options: ClusterOptions, controller_launcher: LauncherSpec | None) -> bool:
    """Return whether a controller that dies is started again: as somebody has said, else if that needs no new job."""
    if options.restart_dead_controller is not None or controller_launcher is None:
        return options.restart_dead_controller is not False
    from engineroom.cluster.launchers.choose import options_of  # as above

    return not options_of(controller_launcher).launcher_kind.in_jobs


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
    app = application(IPController, options.config, place)
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
