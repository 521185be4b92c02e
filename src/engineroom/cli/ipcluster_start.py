"""`ipcluster start`."""

from __future__ import annotations

from collections.abc import Sequence

from engineroom.cluster.children import CONTROLLER, SPAWNER, start

_NOT_HERE = ("-h", "--help", "--help-all", "--version", "-V", "--daemonize", "--IPClusterEngines.daemonize")


def main(argv: Sequence[str]) -> int:
    """Run a cluster until it is stopped, or start it in the background; return the exit code."""
    return run(argv, with_controller=True)


def run(argv: Sequence[str], *, with_controller: bool) -> int:
    """Start engines and, if so, their controller."""
    ours = argv[: argv.index("--")] if "--" in argv else argv
    spawner = controller = None
    if not any(argument.partition("=")[0] in _NOT_HERE for argument in ours):
        # First of all: they take as long to be ready as reading the options does.
        spawner = start(SPAWNER)
        controller = start(CONTROLLER) if with_controller else None
    from engineroom.cluster.commands import run_cluster

    return run_cluster(argv, with_controller=with_controller, spawner=spawner, controller=controller)
