"""What `job view` says of a job of Windows HPC Server."""

from __future__ import annotations

import re

from engineroom.cluster.launchers.launcher import State, Status

_STATES = {
    "Configuring": State.WAITING,
    "Submitted": State.WAITING,
    "Validating": State.WAITING,
    "ExternalValidation": State.WAITING,
    "Queued": State.WAITING,
    "Running": State.RUNNING,
    "Finishing": State.RUNNING,
    "Canceling": State.RUNNING,
    "Finished": State.ENDED,
    "Failed": State.ENDED,
    "Canceled": State.ENDED,
}
"""The states that a job can have, by the vendor's list of them."""

_LINE = re.compile(r"^[ \t]*(?P<key>[A-Za-z][\w ]*?)[ \t]*:[ \t]*(?P<value>.*?)\s*$", re.MULTILINE)
_REASONS = ("pending reason", "error message", "error", "progress message")


def status_in(output: str) -> Status | None:
    """Return how the job is by `output`, lines of `key : value`; None if no state that we know is among them."""
    values = {found["key"].lower(): found["value"] for found in _LINE.finditer(output)}
    word = values.get("state") or values.get("job state") or values.get("status") or ""
    state = next((name for name in _STATES if name.lower() == word.lower()), None)
    if state is None:
        return None
    reason = next((values[key] for key in _REASONS if values.get(key)), "")
    return Status(_STATES[state], f"{state.lower()}: {reason}" if reason else state.lower())
