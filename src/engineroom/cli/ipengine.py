"""`ipengine`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from engineroom.cli.outermost import in_words, plain_ctrl_c
from engineroom.errors import EngineroomError


def main(argv: Sequence[str] | None = None) -> int:
    """Be one engine in this process; return the exit code."""
    if argv is None:
        plain_ctrl_c()
    arguments = list(sys.argv[1:] if argv is None else argv)
    return in_words("ipengine", lambda: _run(arguments))


def _run(argv: Sequence[str]) -> int:
    from engineroom.cluster.plan.programs import engine_config
    from engineroom.machine.standard_streams import is_terminal
    from engineroom.settings.engine import IPEngine
    from engineroom.settings.reading import read_application
    from engineroom.trail.launches import parse_launch, take_own_launch
    from engineroom.trail.steps import begin_if_old

    try:
        told = take_own_launch()
        launch = parse_launch(told)
        options = read_application(IPEngine, argv if launch is None else launch.with_profile(argv))
        if launch is not None:
            options.cluster_id = options.cluster_id or launch.cluster_id
        profile, config = options.profile_directory, engine_config(options)
        config.launch = told
        if launch is None:
            pid_files = [profile.pid_file(program, options.cluster_id) for program in ("ipcluster", "ipcontroller")]
            begin_if_old(config.steps, unless=pid_files)
        config.terminal = not told and is_terminal(sys.stdin)
        if options.log_to_file:
            config.log_file = str(profile.own_log_file("ipengine", options.cluster_id))
    except EngineroomError as error:
        print(f"ipengine: {error}", file=sys.stderr)
        return 1 if isinstance(error, OSError) else 2
    from engineroom.engine.app import run_engine

    return run_engine(config)


if __name__ == "__main__":
    sys.exit(main())
