"""Running a host: in its own process for an owner at the other end of a socket, or in this one for a terminal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from subprocess import Popen

import msgspec

from engineroom.cluster.host.assembly import host_for
from engineroom.cluster.host.host import Host
from engineroom.cluster.line.children import let_go
from engineroom.cluster.line.messages import Failed, Notice, Report, line_of
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.records.leftovers import PROGRAMS
from engineroom.cluster.records.old_logs import of_cluster
from engineroom.cluster.records.pid_records import claim, release
from engineroom.errors import EngineroomError
from engineroom.machine.exits import calling_at_exit
from engineroom.machine.lines import first_line
from engineroom.machine.logs import set_up
from engineroom.machine.titles import set_title
from engineroom.trail import steps

log = logging.getLogger(__name__)

_RELAYED = ("SIGUSR1", "SIGUSR2")
"""Signals that are meant for the engines."""


def serve(owner: socket.socket, *, spawner: Popen[bytes], controller: Popen[bytes] | None) -> int:
    """Be the host that the owner's plan describes; return the exit code."""
    plan_line = _first_line(owner)
    if not plan_line:
        let_go(spawner, controller)
        return 0
    plan = msgspec.json.decode(plan_line, type=HostPlan)
    _set_title(plan)
    try:
        prepare(plan)
    except (EngineroomError, OSError) as error:
        owner.sendall(line_of(_failed(error, plan)))
        let_go(spawner, controller)
        return 1
    try:
        return asyncio.run(_serve(plan, owner, spawner, controller))
    except EngineroomError as error:
        owner.sendall(line_of(Failed(str(error), getattr(error, "code", 1))))
        return 1
    except Exception:
        log.exception("the host failed")
        raise


def run_here(
    plan: HostPlan, *, spawner: Popen[bytes], controller: Popen[bytes] | None, report: Callable[[Report], None]
) -> int:
    """Be the host in this process, for the person at the terminal; return the exit code."""
    try:
        prepare(plan)
    except (EngineroomError, OSError) as error:
        let_go(spawner, controller)
        from engineroom.cluster.line.errors import CouldNotStart  # a start that succeeds does without

        raise CouldNotStart(_failed(error, plan)) from error
    _set_title(plan)
    return asyncio.run(_run_here(plan, spawner, controller, report))


def prepare(plan: HostPlan) -> None:
    """Make the profile's directories, take the cluster's lock, and log to a file."""
    profile = plan.profile
    profile.prepare()
    if plan.controller is not None:
        claim(profile.pid_file("ipcluster", plan.cluster_id), program="ipcluster", way_out=_way_out(plan))
        steps.begin(profile.steps_file(plan.cluster_id))
        steps.Steps(profile.steps_file(plan.cluster_id), steps.HOST).note(steps.PROFILE, words=str(profile.path))
    else:
        pid_files = [profile.pid_file(program, plan.cluster_id) for program in PROGRAMS]
        steps.begin_if_old(profile.steps_file(plan.cluster_id), unless=pid_files)
    if plan.clean_logs:
        for path in of_cluster(profile.log_dir, plan.cluster_id):
            if not path.name.startswith("steps"):
                path.unlink(missing_ok=True)
    part = "" if plan.controller is not None else f"engines-{socket.gethostname()}-{os.getpid()}"
    set_up(plan.log_level, profile.log_file("ipcluster", plan.cluster_id, part))


def _failed(error: Exception, plan: HostPlan) -> Failed:
    from engineroom.trail.advice import for_cluster  # a start that succeeds does without
    from engineroom.trail.fixes import advice_for

    if isinstance(error, EngineroomError):
        return Failed(str(error), getattr(error, "code", 1))  # it says what to do
    words = f"the profile {plan.profile_dir}: {error}"
    return Failed(words, advice=for_cluster(advice_for(words), plan.profile.options(plan.cluster_id)))


def _way_out(plan: HostPlan) -> str:
    stop = f"ipcluster stop {plan.profile.options(plan.cluster_id)}".rstrip()
    return f"Stop it by `{stop}`, or start another one beside it with a --cluster-id of its own"


async def _serve(plan: HostPlan, owner: socket.socket, spawner: Popen[bytes], controller: Popen[bytes] | None) -> int:
    def report(words: Report) -> None:
        host.control.tell_owner(words)

    def owner_gone() -> None:
        if plan.owned or not host.started:
            host.stop("its owner is gone")

    host = _assemble(plan, spawner, controller, report)
    _heed_signals(host, report)
    await host.control.serve_owner(owner, owner_gone)
    with calling_at_exit(plan.owner if plan.owned else 0, owner_gone):  # a fork of it may keep its end of the socket
        return await host.run()


async def _run_here(
    plan: HostPlan, spawner: Popen[bytes], controller: Popen[bytes] | None, report: Callable[[Report], None]
) -> int:
    host = _assemble(plan, spawner, controller, report)
    _heed_signals(host, report)
    return await host.run()


def _assemble(
    plan: HostPlan, spawner: Popen[bytes], controller: Popen[bytes] | None, report: Callable[[Report], None]
) -> Host:
    """Return the host; LaunchError: a launcher of the plan's can't be had, and nothing is left of the attempt."""
    try:
        return host_for(plan, spawner=spawner, controller=controller, tell=report)
    except EngineroomError:
        let_go(spawner, controller)
        if plan.controller is not None:
            release(plan.profile.pid_file("ipcluster", plan.cluster_id))
        raise


def _heed_signals(host: Host, report: Callable[[Report], None]) -> None:
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        if host.ended:
            return
        if host.stopping:
            report(Notice(f"{name} again: killing what is left"))
            host.kill()
        else:
            host.stop(f"received {name}")

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        loop.add_signal_handler(getattr(signal, name), stop, name)
    for name in _RELAYED:
        loop.add_signal_handler(getattr(signal, name), host.signal_all, int(getattr(signal, name)))


def _first_line(owner: socket.socket) -> bytes:
    """Return the first line and nothing more: what follows is read by the loop."""

    def up_to_its_end() -> bytes:
        data = owner.recv(65536, socket.MSG_PEEK)
        return owner.recv(data.find(b"\n") + 1 or len(data)) if data else b""

    return first_line(up_to_its_end)[0]


def _set_title(plan: HostPlan) -> None:
    set_title(f"engineroom host{f' [{plan.cluster_id}]' if plan.cluster_id else ''}")
