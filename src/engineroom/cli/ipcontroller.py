"""`ipcontroller`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from engineroom.cli.outermost import in_words, plain_ctrl_c
from engineroom.errors import EngineroomError
from engineroom.machine.ending import end
from engineroom.machine.garbage import look_seldom


def main(argv: Sequence[str] | None = None) -> int:
    """Run a controller in this process; return the exit code."""
    if argv is None:
        plain_ctrl_c()
        look_seldom()
    arguments = list(sys.argv[1:] if argv is None else argv)
    code = in_words("ipcontroller", lambda: _run(arguments))
    if argv is None:
        end(code)
    return code


def _run(argv: Sequence[str]) -> int:
    from engineroom.cluster.plan.programs import controller_config, level_name
    from engineroom.cluster.seats.controller_plan import ControllerPlan
    from engineroom.cluster.seats.process import run
    from engineroom.settings.controller import IPController
    from engineroom.settings.option import names_in
    from engineroom.settings.reading import read_application
    from engineroom.trail.launches import parse_launch, take_own_launch

    try:
        launch = parse_launch(take_own_launch())
        options = read_application(IPController, argv if launch is None else launch.with_profile(argv))
        options.enter_work_dir()
        profile = options.profile_directory
        if launch is not None:
            options.cluster_id = options.cluster_id or launch.cluster_id
            if "IPController.ip" not in names_in(options.config):
                options.ip = "*"  # in a job: engines are elsewhere
        config = controller_config(options)
        log_file = profile.log_file("ipcontroller", options.cluster_id) if options.log_to_file else ""
        plan = ControllerPlan(
            config=config if launch is None else msgspec.structs.replace(config, host=launch.host),
            profile_dir=str(profile.path),
            log_file=str(log_file),
            log_level=level_name(options.log_level),
            clean_logs=options.clean_logs,
        )
    except EngineroomError as error:
        print(f"ipcontroller: {error}", file=sys.stderr)
        return 1 if isinstance(error, OSError) else 2
    return run(plan, owned=False)


if __name__ == "__main__":
    sys.exit(main())
