"""What the controller and engines of a plan are told: their options, from files and arguments, as configurations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from traitlets import TraitError
from traitlets.config import Config

from engineroom.cluster.plan.databases import store_config
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import EngineConfig
from engineroom.machine.homes import expanded
from engineroom.machine.surroundings import own_directory
from engineroom.settings.application import LEVELS, with_json
from engineroom.settings.controller import HeartMonitor, IPController, TaskScheduler
from engineroom.settings.engine import IPEngine
from engineroom.settings.ipython_options import ipython_options
from engineroom.settings.option import configured, no_sense
from engineroom.settings.reading import merged, naming_files, read_each
from engineroom.transport.ways import Way

_App = TypeVar("_App", IPController, IPEngine)


def level_name(level: str | int) -> str:
    """Return `level` as a name that every process understands."""
    if isinstance(level, str):
        return level.upper()
    return LEVELS[max(0, min(len(LEVELS) - 1, level // 10 - 1))]


def controller_config(options: IPController) -> ControllerConfig:
    """Return what the controller needs to know of its options."""
    beats = configured(HeartMonitor, options.config)
    return ControllerConfig(
        security_dir=str(options.profile_directory.security_dir),
        cluster_id=options.cluster_id,
        ip=options.ip,
        ports=options.ports,
        location=options.location,
        reuse=options.reuse_files,
        restore=options.restore_engines,
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
        interrupt_grace=options.interrupt_grace,
        max_kept_bytes=options.max_kept_bytes,
        max_total_kept_bytes=options.max_total_kept_bytes,
        max_input_bytes=options.max_input_bytes,
        max_total_input_bytes=options.max_total_input_bytes,
        max_submitted_bytes=options.max_submitted_bytes,
        max_kept_call_bytes=options.max_kept_call_bytes,
        max_shared_bytes=options.max_shared_bytes,
        max_link_bytes=options.max_link_bytes,
        max_idle_function_bytes=options.max_idle_function_bytes,
        store=store_config(options),
        drop_unfinished=options.drop_unfinished,
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
        max_display_bytes=options.max_display_bytes,
        resources=dict(options.resources),
        tags=list(options.tags),
        memory_limit=options.memory_limit,
        max_unacknowledged_bytes=options.max_unacknowledged_bytes,
        max_function_bytes=options.max_function_bytes,
    )


def _absolute(path: str) -> str:
    return str(expanded(path).absolute()) if path else ""


def application(cls: type[_App], config: Config, place: Config) -> _App:
    """Return a `cls` with the options in its own file, in `config` over these, and at `place`."""
    app = cls()
    app.cli_config = place
    profile_dir = Path(place["BaseParallelApplication"]["profile_dir"])
    read: list[tuple[Path, Config]] = read_each(
        with_json(profile_dir / f"{cls.config_name}_config.py"), app.all_classes()
    )
    with naming_files(read, over=merged([config, place])):
        try:
            app.update_config(merged([*(layer for _, layer in read), config, place]))
        except TraitError as error:
            raise no_sense(error) from error
    return app
