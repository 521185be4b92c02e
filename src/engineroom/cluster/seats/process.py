"""The controller as the child of a host: its configuration comes by stdin, and the end of stdin ends it.

`python -m engineroom.cluster.seats` reads one line of JSON, says `{"port": p}` on stdout once it listens,
and ends when told `{"stop": reason}` or when nobody can tell it anything any more.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from engineroom.cluster.clearing.left_jobs import clear_up_after_host, log_cancelled
from engineroom.cluster.records.leftovers import sweep
from engineroom.cluster.records.pid_records import AlreadyRunning, claim, release
from engineroom.cluster.seats.controller_plan import ControllerPlan
from engineroom.controller.app import run_controller
from engineroom.controller.homeless import Home, is_idle
from engineroom.controller.shell import Controller
from engineroom.machine.lines import Lines, first_line
from engineroom.machine.logs import remove_log, set_up
from engineroom.machine.standard_streams import say
from engineroom.machine.titles import set_title
from engineroom.settings.profiles import Profile
from engineroom.trail import steps

log = logging.getLogger(__name__)


_PATIENCE = 1.0
"""Seconds that a controller whose host is gone may take to end."""

_HOST_GONE = "its host is gone"


def run(plan: ControllerPlan, *, owned: bool) -> int:
    """Be the controller of `plan`; return the exit code. `owned`: stdin is the host's line to us."""
    profile, cluster_id = Profile(Path(plan.profile_dir)), plan.config.cluster_id
    pid_file = profile.pid_file("ipcontroller", cluster_id)
    try:
        profile.prepare()
        claim(
            pid_file,
            program="ipcontroller",
            way_out="Stop it, or start this one with a --cluster-id of its own",
            # Our host has the cluster's lock: the controller of an earlier one, which was killed, is about to end.
            patience=_PATIENCE if owned else 0.0,
        )
    except (AlreadyRunning, OSError) as error:
        print(f"ipcontroller: {error}", file=sys.stderr)
        return 10 if isinstance(error, AlreadyRunning) else 1
    os.environ.update(plan.environment)
    _begin_log(plan)
    set_title(f"engineroom controller{f' [{cluster_id}]' if cluster_id else ''}")
    controllers: list[Controller] = []
    by_hand = not owned and not plan.config.host  # else there is a host, whose start this is
    steps_file = profile.steps_file(cluster_id)
    notes = steps.Steps("" if owned else steps_file, steps.CONTROLLER)  # a host that owns it notes this itself
    if by_hand:
        log.info("using the profile", extra={"directory": profile.path, "pid_file": pid_file})
        steps.begin(steps_file)

    def ready(controller: Controller) -> None:
        controllers.append(controller)
        _watch_home(controller, profile)
        if owned:
            _follow_host(controller)
        if by_hand:
            notes.note(steps.LISTENS, words=f"port {controller.port}")  # else its host does
            _say_ready(controller, plan)

    def failed(words: str) -> None:
        notes.note(steps.LISTENS, ok=False, words=words)

    try:
        code = run_controller(plan.config, on_ready=ready, on_failure=failed)
        if by_hand:
            notes.note(steps.ENDED, ok=code == 0, words=_reason(controllers))
        return code
    finally:
        release(pid_file)
        _clean_up(plan, profile, controllers, owned=owned)


def _watch_home(controller: Controller, profile: Profile) -> None:
    """End a controller that nobody uses, and that nobody new can find: its profile has been removed."""
    idle = partial(is_idle, controller.state)
    Home(profile.security_dir, idle=idle, on_end=controller.request_stop).watch()


def _begin_log(plan: ControllerPlan) -> None:
    file = Path(plan.log_file) if plan.log_file else None
    if file is not None and plan.clean_logs:
        remove_log(file)
    set_up(plan.log_level, file)


def _clean_up(plan: ControllerPlan, profile: Profile, controllers: Sequence[Controller], *, owned: bool) -> None:
    """Should the host have been killed: do what it can't take away, or cancel, any more."""
    if owned:
        host_gone = any(each.stop_reason == _HOST_GONE for each in controllers)
        clear_up_after_host(profile, plan.config.cluster_id, gone=host_gone)
    elif plan.config.host and (_host_was_here(plan, profile) or any(each.abandoned for each in controllers)):
        from engineroom.cluster.launchers.jobs.cleanup import cancel_other_jobs  # for controllers of a launcher only

        log_cancelled(lambda: cancel_other_jobs(profile, plan.config.host.hex()))


def _host_was_here(plan: ControllerPlan, profile: Profile) -> bool:
    """Take away what the host that had us started left, if it was of this machine and killed; return whether it was."""
    cluster_id = plan.config.cluster_id
    return profile.pid_file("ipcluster", cluster_id) in sweep(profile, cluster_id)


def _say_ready(controller: Controller, plan: ControllerPlan) -> None:
    """Say what to do now, on the terminal, if there is one."""
    identity, profile = controller.identity, Profile(Path(plan.profile_dir))
    engine = f"ipengine {profile.options(plan.config.cluster_id)}".rstrip()
    log.info("ready: engines by `%s`; on other machines by `ipengine --file` with a copy", engine)
    if plan.log_file:
        say(*(f"ipcontroller: {words}" for words in controller.recorder.said))
        say(
            f"ipcontroller: listens on port {controller.port}; log: {plan.log_file}",
            f"connection files: {identity.client_file} for clients, {identity.engine_file} for engines",
        )


def _reason(controllers: list[Controller]) -> str:
    return controllers[0].stop_reason if controllers else "it could not start; its log says why"


def _follow_host(controller: Controller) -> None:
    """Say that we listen, and stop when the host says so or is gone."""
    import asyncio  # loaded already, by the controller

    said = {"port": controller.port, "said": controller.recorder.said}
    os.write(1, json.dumps(said).encode() + b"\n")
    os.set_blocking(0, False)
    asyncio.get_running_loop().add_reader(0, partial(_hear, controller, Lines()))


def _hear(controller: Controller, heard: Lines) -> None:
    import asyncio  # loaded already

    data = os.read(0, 4096)
    told = heard.take(data)
    if not data or told:
        asyncio.get_running_loop().remove_reader(0)
        words = json.loads(told[0]) if told and told[0].strip() else {}
        controller.request_stop(words.get("stop", _HOST_GONE))


def _read_line() -> bytes:
    """Return the first line of stdin; nothing follows before we have said that we listen."""
    return first_line(lambda: os.read(0, 65536))[0]


def be_child() -> int:
    """Be the controller that the host's first line describes."""
    line = _read_line()
    return run(msgspec.json.decode(line, type=ControllerPlan), owned=True) if line else 0
