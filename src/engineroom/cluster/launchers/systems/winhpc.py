"""Windows HPC Server, as far as its jobs are asked and cancelled like others; how they are made: `launchers/winhpc`."""

from __future__ import annotations

from engineroom.cluster.launchers.systems.system import BatchSystem, JobState
from engineroom.cluster.launchers.winhpc.status import status_in


def read_status(output: str) -> list[JobState]:
    """Return the state in what `job view` printed of one job."""
    status = status_in(output)
    return [] if status is None else [JobState("", status.state, status.words)]


WINHPC = BatchSystem(
    name="Windows HPC Server",
    submit=("job", "submit"),
    cancel=("job", "cancel", "{job}"),
    status=("job", "view", "{job}"),
    read_status=read_status,
    one_by_one=True,
)
