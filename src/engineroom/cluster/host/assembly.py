"""A host put together: with the controller and the engines that its plan wants, wherever they are to run."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import Popen
from typing import Any

from engineroom.cluster.host.host import Host
from engineroom.cluster.line.children import CONTROLLER, let_go, start
from engineroom.cluster.line.messages import Notice, Report, advised
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.seats.child import ControllerChild
from engineroom.cluster.seats.child_line import controller_line, controller_log
from engineroom.cluster.seats.lasting import LastingSeat
from engineroom.cluster.seats.seat import ControllerSeat
from engineroom.cluster.sets.engine_sets import EngineSets
from engineroom.cluster.sets.forked import ForkedEngines
from engineroom.cluster.sets.lasting_spawner import LastingSpawner
from engineroom.ids import Instance
from engineroom.protocol.identities import identity_of, new_secret


def host_for(
    plan: HostPlan, *, spawner: Popen[bytes], controller: Popen[bytes] | None, tell: Callable[[Report], None]
) -> Host:
    """Return a host for `plan`. `spawner`, `controller`: started before the plan was known, and ended if not needed.

    `tell`: whoever watches.
    """
    shared: dict[str, Any] = {}
    secret = new_secret()
    options = plan.profile.options(plan.cluster_id)

    def report(words: Report) -> None:
        tell(advised(words, options))

    def make_engines(host: Host) -> EngineSets:
        if plan.engine_launcher is None:
            return ForkedEngines(plan, host, LastingSpawner.of(spawner, host.instance))
        from engineroom.cluster.host.launching import launched_engines  # most clusters are local, and do without

        let_go(spawner)
        return launched_engines(plan, host, shared)

    def launched(plan: HostPlan) -> ControllerSeat:
        from engineroom.cluster.host.launching import launched_controller  # as above

        return launched_controller(plan, Instance(identity_of(secret)), report, shared)

    seat = None
    if plan.controller is None or plan.controller_launcher is not None:
        let_go(controller)
    if plan.controller is not None and plan.controller_launcher is not None:
        seat = _lasting(plan, launched(plan), launched)
    elif plan.controller is not None:
        assert controller is not None
        seat = _lasting(plan, _child(plan, controller, report), lambda again: _child(again, start(CONTROLLER), report))
    return Host(plan, make_engines=make_engines, controller=seat, report=report, secret=secret)


def _lasting(plan: HostPlan, first: ControllerSeat, make: Callable[[HostPlan], ControllerSeat]) -> LastingSeat:
    return LastingSeat(
        first,
        (lambda: make(plan.again)) if plan.restart_controller else None,
        here=plan.controller if plan.controller_launcher is None else None,
    )


def _child(plan: HostPlan, process: Popen[bytes], report: Callable[[Report], None]) -> ControllerSeat:
    def on_words(words: dict[str, Any]) -> None:
        for line in words.get("said", ()):
            report(Notice(line))

    return ControllerChild(
        process,
        controller_line(plan),
        log_file=controller_log(plan),
        seconds=plan.controller_timeout,
        on_words=on_words,
    )
