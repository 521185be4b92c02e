"""`ipcontroller`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from engineroom.errors import EngineroomError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a controller in this process; return the exit code."""
    from engineroom.cluster.controller_process import ControllerPlan, run
    from engineroom.cluster.plan import controller_config, level_name
    from engineroom.settings.controller import IPController

    try:
        options = IPController.from_command_line(sys.argv[1:] if argv is None else argv)
        profile = options.profile_directory
        log_file = profile.log_file("ipcontroller", options.cluster_id) if options.log_to_file else ""
        plan = ControllerPlan(
            config=controller_config(options),
            profile_dir=str(profile.path),
            log_file=str(log_file),
            log_level=level_name(options.log_level),
        )
    except EngineroomError as error:
        print(f"ipcontroller: {error}", file=sys.stderr)
        return 2
    return run(plan, owned=False)


if __name__ == "__main__":
    sys.exit(main())
