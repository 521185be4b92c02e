"""What a controller is told that is a child: its plan, the first line that it hears."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.seats.controller_plan import ControllerPlan
from engineroom.machine.processes import ProcessRecord


def controller_line(plan: HostPlan) -> bytes:
    """Return the first line that a controller hears which gets its plan by its stdin."""
    assert plan.controller is not None
    return msgspec.json.encode(
        ControllerPlan(
            config=msgspec.structs.replace(plan.controller, owner=ProcessRecord.of_this_process()),
            profile_dir=plan.profile_dir,
            log_file=str(controller_log(plan)),
            log_level=plan.log_level,
            environment=plan.controller_environment,
        )
    )


def controller_log(plan: HostPlan) -> Path:
    return plan.profile.log_file("ipcontroller", plan.cluster_id)
