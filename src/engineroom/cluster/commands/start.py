"""`ipcluster start` and `ipcluster engines`: here, or by a host in the background."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from subprocess import Popen

from engineroom.cluster.commands.console import Console
from engineroom.cluster.line.children import let_go
from engineroom.cluster.line.errors import CouldNotStart
from engineroom.cluster.line.messages import Failed, Ready, Report
from engineroom.cluster.owner.channel import Channel, encode_plan
from engineroom.cluster.owner.started_host import StartedHost
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.plan.making import host_plan
from engineroom.errors import LaunchError
from engineroom.settings.cluster import Cluster as ClusterOptions
from engineroom.settings.cluster import IPClusterEngines, IPClusterStart
from engineroom.settings.option import configured
from engineroom.settings.reading import naming_files, read_application


class Interrupted(LaunchError):
    """Somebody pressed Ctrl-C while everything was being started."""

    code = 130


def read_options(argv: Sequence[str], *, with_controller: bool) -> IPClusterEngines:
    """Return the command's options; OptionError says what is wrong with them."""
    return read_application(IPClusterStart if with_controller else IPClusterEngines, argv)


def run_here(argv: Sequence[str], *, spawner: Popen[bytes], controller: Popen[bytes] | None) -> int:
    """Be the host of what the arguments say, until it is stopped; return the exit code.

    `spawner`, `controller`: started already. LaunchError says why it can't be done.
    """
    try:
        app = read_options(argv, with_controller=controller is not None)
        plan = plan_of(app, with_controller=controller is not None)
    except BaseException:
        let_go(spawner, controller)
        raise
    if app.daemonize:  # said by a file, not by the arguments
        let_go(spawner, controller)
        return _watch_start(plan, StartedHost(with_controller=controller is not None))
    from engineroom.cluster.host.running import run_here  # a host in the background does without

    console = Console(plan)
    code = run_here(plan, spawner=spawner, controller=controller, report=console)
    if console.failed is not None:
        raise CouldNotStart(console.failed)
    return code


def run_in_background(argv: Sequence[str], host: StartedHost) -> int:
    """Tell `host` what the arguments say; return once everything is ready, 0, or raise LaunchError."""
    try:
        app = read_options(argv, with_controller=host.with_controller)
        plan = plan_of(app, with_controller=host.with_controller)
    except BaseException:
        host.close()
        raise
    if app.daemonize:
        return _watch_start(plan, host)
    host.close()  # --daemonize=False
    from engineroom.cluster.line.children import CONTROLLER, SPAWNER, start

    controller = start(CONTROLLER) if host.with_controller else None
    return run_here(argv, spawner=start(SPAWNER), controller=controller)


def plan_of(app: IPClusterEngines, *, with_controller: bool) -> HostPlan:
    """Return what the options of a command mean; OptionError says what is wrong with them.

    What is started in the background outlives the command.
    """
    app.enter_work_dir()
    with naming_files(app.files_read, over=app.cli_config):
        return host_plan(
            configured(ClusterOptions, app.config),
            profile=app.profile_directory,
            cluster_id=app.cluster_id,
            log_level=app.log_level,
            with_controller=with_controller,
            controller_args=app.after_dashes,
            clean_logs=app.clean_logs,
            owned=not app.daemonize,
        )


def _watch_start(plan: HostPlan, host: StartedHost) -> int:
    """Have a host that outlives us do what `plan` says; return once everything is ready."""
    console = Console(plan, background=True)
    settled = threading.Event()

    def report(words: Report) -> None:
        console(words)
        if isinstance(words, Ready | Failed):
            settled.set()

    channel = Channel(host.socket, on_report=report, on_end=settled.set)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        channel.open()
        channel.send(encode_plan(plan))
        settled.wait()
    except KeyboardInterrupt:
        channel.hang_up()  # a host whose owner goes before everything is ready stops it all
        raise Interrupted("interrupted; everything that was started has been stopped") from None
    words = "" if console.ready else host.last_words()
    channel.close()
    host.let_go()
    host.close()
    if console.failed is not None or not console.ready:
        raise CouldNotStart(console.failed or Failed(f"the host ended before everything was ready: {words}"))
    return 0
