"""`ipcluster start` and `ipcluster engines`: here, or by a host in the background."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from subprocess import Popen

from engineroom.cluster.children import CONTROLLER, SPAWNER, let_go, start
from engineroom.cluster.console import Console
from engineroom.cluster.launchers.process import ProcessLauncher
from engineroom.cluster.plan import HostPlan, host_plan
from engineroom.cluster.reports import Failed, Ready, Report
from engineroom.cluster.starting import Channel, CouldNotStart, encode_plan, start_host
from engineroom.settings.cluster import Cluster as ClusterOptions
from engineroom.settings.cluster import IPClusterEngines, IPClusterStart
from engineroom.settings.option import configured


def run_cluster(
    argv: Sequence[str],
    *,
    with_controller: bool,
    spawner: Popen[bytes] | None,
    controller: Popen[bytes] | None,
) -> int:
    """Run what the arguments say; return the exit code. LaunchError says what is wrong.

    `spawner`, `controller`: those that were started while we were not even loaded, if any.
    """
    try:
        app = (IPClusterStart if with_controller else IPClusterEngines).from_command_line(argv)
        plan = host_plan(
            configured(ClusterOptions, app.config),
            profile=app.profile_directory,
            cluster_id=app.cluster_id,
            log_level=app.log_level,
            with_controller=with_controller,
            controller_args=app.after_dashes,
            clean_logs=app.clean_logs,
        )
        if app.work_dir:
            os.chdir(app.work_dir)
    except BaseException:
        let_go(spawner, controller)
        raise
    if app.daemonize:
        let_go(spawner, controller)
        return _run_in_background(plan)
    from engineroom.cluster.serving import run_here

    console = Console(plan)
    spawner = spawner or start(SPAWNER)
    if with_controller:
        controller = controller or start(CONTROLLER)
    code = run_here(plan, spawner=spawner, controller=controller, report=console)
    if console.failed is not None:
        raise CouldNotStart(console.failed)
    return code


def _run_in_background(plan: HostPlan) -> int:
    """Start a host that outlives us; return once everything is ready."""
    plan.owned = False
    console = Console(plan, background=True)
    settled = threading.Event()

    def report(words: Report) -> None:
        console(words)
        if isinstance(words, Ready | Failed):
            settled.set()

    launcher = ProcessLauncher()
    handle, sock = start_host(launcher, with_controller=plan.controller is not None)
    channel = Channel(sock, on_report=report, on_end=settled.set)
    channel.open()
    channel.send(encode_plan(plan))
    settled.wait()
    channel.close()
    launcher.let_go(handle)
    if console.failed is not None:
        raise CouldNotStart(console.failed)
    return 0
