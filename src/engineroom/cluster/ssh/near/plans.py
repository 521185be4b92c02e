"""What other machines are told: plans for their hosts, with the files and the connection file that go along."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engineroom.cluster.launchers.ssh.command import pairs
from engineroom.cluster.launchers.ssh.places import Share
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.ssh.messages import ControllerPart, EnginesPart, RemotePlan, SentFile
from engineroom.engine.config import GRACE, EngineConfig
from engineroom.errors import ConnectionFileError, LaunchError
from engineroom.machine.homes import expanded
from engineroom.protocol.connection_files import parse_connection_file, read_connection_file
from engineroom.settings.launchers import SSHControllerLauncher, SSHLauncher
from engineroom.settings.profiles import DEFAULT
from engineroom.trail.steps import first_line
from engineroom.transport.dial import attempts

_MOST = 64 * 1024 * 1024
"""Bytes that files for one machine may have together."""

_OPTIONS = {
    "startup_command": "startup_command",
    "startup_script": "startup_script",
    "connect_timeout": "timeout",
    "reconnect_timeout": "reconnect_timeout",
    "max_result_bytes": "max_result_bytes",
    "max_output_bytes": "max_output_bytes",
    "max_display_bytes": "max_display_bytes",
    "resources": "resources",
    "tags": "tags",
    "memory_limit": "memory_limit",
    "max_unacknowledged_bytes": "max_unacknowledged_bytes",
    "max_function_bytes": "max_function_bytes",
}
"""By the name in EngineConfig, the option of ipengine."""


def engines_plan(plan: HostPlan, share: Share, *, door: str, connection_file: str) -> RemotePlan:
    """Return what the machine of `share` is told; LaunchError: a file to send is not there."""
    return RemotePlan(
        door=door,
        cluster_id=plan.cluster_id,
        log_level=plan.log_level,
        environment={**plan.engine_environment, **share.options.environment},
        files=_files(share.options),
        start=_start(plan),
        lease=max(1.0, plan.engine.reconnect_timeout),
        engines=EnginesPart(
            connection_file=connection_file,
            usual=_said_here(plan.engine),
            arguments=share.arguments,
            ipcluster=share.ipcluster,
            own_controller=plan.controller is not None,
            controller_at_owner=_is_here(connection_file),
            engine_timeout=plan.engine_timeout,
            delay=getattr(share.options, "delay", 0.0),
            grace=GRACE if share.options.stop_seconds_until_kill is None else share.options.stop_seconds_until_kill,
            restart_engines=plan.restart_engines,
        ),
        profile=plan.profile.name or DEFAULT,
        profile_dir=share.options.remote_profile_dir,
    )


def controller_plan(plan: HostPlan, options: SSHControllerLauncher, *, door: str) -> RemotePlan:
    """Return what the controller's machine is told."""
    place = {"ip": plan.options.get("controller_ip"), "location": plan.options.get("controller_location")}
    said = [f"--{name}={value}" for name, value in place.items() if value]
    restore = ["--restore"] if plan.controller is not None and plan.controller.restore else []
    return RemotePlan(
        door=door,
        cluster_id=plan.cluster_id,
        log_level=plan.log_level,
        environment=dict(options.environment),
        files=_files(options),
        start=_start(plan),
        controller=ControllerPart(
            usual=said,
            arguments=[*plan.controller_arguments, *options.controller_args, *restore],
            restart=plan.restart_controller,
            command=list(options.controller_cmd),
            timeout=options.connection_info_timeout,
        ),
        profile=plan.profile.name or DEFAULT,
        profile_dir=options.remote_profile_dir,
    )


async def connection_file_text(plan: HostPlan, on_wait: Callable[[str], None]) -> str:
    """Return the contents of the engines' connection file, once a controller has written it.

    LaunchError: there is none within the engines' connect_timeout.
    """
    path, problem = Path(plan.engine.connection_file), ""
    async for number in attempts(asyncio.get_running_loop().time() + plan.engine.connect_timeout):
        text, problem = _live_text(path)
        if text:
            return text
        if not number:
            on_wait(f"waiting for the controller: {problem}")
    raise LaunchError(f"no controller within {plan.engine.connect_timeout:g} s: {problem}")


def _start(plan: HostPlan) -> str:
    return first_line(plan.profile.steps_file(plan.cluster_id))


def _is_here(connection_file: str) -> bool:
    """Whether the controller runs on this machine."""
    return parse_connection_file(json.loads(connection_file), origin="the connection file").same_machine


def _live_text(path: Path) -> tuple[str, str]:
    """Return the contents of a connection file, or "" and what is wrong with it."""
    try:
        if read_connection_file(path).stale:
            return "", f"the controller that wrote {path} has ended"
        return path.read_text(encoding="utf-8"), ""
    except (ConnectionFileError, OSError) as error:
        return "", str(error)


def _said_here(engine: EngineConfig) -> list[str]:
    """Return arguments for what somebody has set for engines on this machine."""
    usual: Any = EngineConfig(connection_file="")
    return [
        f"--IPEngine.{option}={getattr(engine, name)}"
        for name, option in _OPTIONS.items()
        if getattr(engine, name) != getattr(usual, name)
    ]


def _files(options: SSHLauncher) -> list[SentFile]:
    files = [_file(here, there) for here, there in pairs(options.to_send, "to_send")]
    size = sum(len(file.data) for file in files)
    if size > _MOST:
        raise LaunchError(f"the files of to_send have {size} bytes, more than {_MOST}: copy them by scp or rsync")
    return files


def _file(here: str, there: str) -> SentFile:
    path = expanded(here)
    try:
        return SentFile(there, path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    except OSError as error:
        raise LaunchError(f"to_send: {here} can't be read: {error.strerror or error}") from None
