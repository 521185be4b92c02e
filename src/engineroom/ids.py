"""Names for tasks, engines and peers: small, immutable, and the same in every process."""

from __future__ import annotations

import os
from typing import NewType

SESSION_BYTES = 16
INSTANCE_BYTES = 16
_NUMBER_BYTES = 8
TASK_BYTES = SESSION_BYTES + _NUMBER_BYTES

TaskId = NewType("TaskId", bytes)
"""24 bytes: the client session that submitted the task, then its number in that session, big-endian."""

SessionId = NewType("SessionId", bytes)
"""16 random bytes: one client, for as long as its process lives, over any number of connections."""

Instance = NewType("Instance", bytes)
"""16 random bytes: one life of an engine (or host) process; a restarted engine has a new one."""

NOBODY = Instance(bytes(INSTANCE_BYTES))
"""No engine: in the place of one on which a task has ended, where others of its call are submitted again."""

Epoch = NewType("Epoch", bytes)
"""16 random bytes: one life of a controller process."""

Peer = NewType("Peer", int)
"""One connection to the controller, numbered by it; a peer that connects again has a new number."""

EngineId = int
"""The small integer by which people address an engine."""


def new_session() -> SessionId:
    return SessionId(os.urandom(SESSION_BYTES))


def new_instance() -> Instance:
    return Instance(os.urandom(SESSION_BYTES))


def new_epoch() -> Epoch:
    return Epoch(os.urandom(SESSION_BYTES))


def engine_uuid(instance: bytes | None) -> str:
    """Return the text form of an instance, as users see it and as the uuid module writes it; "" if there is none."""
    digits = (instance or b"").hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])) if digits else ""


def task_id(session: SessionId, number: int) -> TaskId:
    """Return the id of the task that `session` numbered `number` (0 <= number < 2**64)."""
    return TaskId(session + number.to_bytes(_NUMBER_BYTES))


def session_of(task: TaskId) -> SessionId:
    return SessionId(task[:SESSION_BYTES])


def number_of(task: TaskId) -> int:
    return int.from_bytes(task[SESSION_BYTES:])


def number_in(session: SessionId, task: TaskId) -> int:
    """Return the number of `task` in `session`; 0, which no task has, if it is of another one."""
    return int.from_bytes(task[SESSION_BYTES:]) if task.startswith(session) else 0


def msg_id(task: TaskId) -> str:
    """Return the text form of a task id, as users see it: 32 hex digits, `_`, the number."""
    return f"{task[:SESSION_BYTES].hex()}_{number_of(task)}"


def parse_msg_id(text: str) -> TaskId:
    """Return the task id whose text form is `text`; ValueError says what is wrong with it."""
    session, separator, number = text.partition("_")
    try:
        raw = bytes.fromhex(session)
        if separator and len(raw) == SESSION_BYTES:
            return task_id(SessionId(raw), int(number))
    except (ValueError, OverflowError):
        pass  # the message below says it better than the parsers' own
    raise ValueError(f"{text!r} is not a message id: expected 32 hex digits, '_', and a number")
