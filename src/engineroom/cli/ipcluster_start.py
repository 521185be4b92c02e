"""`ipcluster start`."""

from __future__ import annotations

from collections.abc import Sequence

from engineroom.cluster.line.children import CONTROLLER, SPAWNER, start

_ONLY_WORDS = ("-h", "--help", "--help-all", "--version", "-V", "--show-config", "--show-config-json")
_BACKGROUND = ("--daemonize", "--IPClusterEngines.daemonize")
_DRY_RUN = ("--dry-run", "--IPClusterEngines.dry_run")


def main(argv: Sequence[str]) -> int:
    """Run a cluster until it is stopped, or start it in the background; return the exit code."""
    return run(argv, with_controller=True)


def run(argv: Sequence[str], *, with_controller: bool) -> int:
    """Start engines and, if so, their controller."""
    ours = argv[: argv.index("--")] if "--" in argv else argv
    flags = {argument.partition("=")[0] for argument in ours}
    if flags.intersection(_ONLY_WORDS):
        from engineroom.cluster.commands.start import read_options

        read_options(argv, with_controller=with_controller)
        return 0
    if flags.intersection(_DRY_RUN):
        from engineroom.cluster.commands.dry_run import print_dry_run

        return print_dry_run(argv, with_controller=with_controller)
    # First of all: they take as long to be ready as reading the options does.
    if flags.intersection(_BACKGROUND):
        from engineroom.cluster.owner.started_host import StartedHost

        early = StartedHost(with_controller=with_controller)
        from engineroom.cluster.commands.start import run_in_background

        return run_in_background(argv, early)
    spawner = start(SPAWNER)
    controller = start(CONTROLLER) if with_controller else None
    from engineroom.cluster.commands.start import run_here

    return run_here(argv, spawner=spawner, controller=controller)
