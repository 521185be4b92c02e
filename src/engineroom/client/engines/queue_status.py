"""How much engines have to do, as users see it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engineroom.client.connection.session import Session
from engineroom.ids import TaskId, msg_id
from engineroom.protocol.questions import AskQueues, EngineQueue, Queues


def queue_status(session: Session, ids: tuple[int, ...], *, verbose: bool, single: bool) -> dict[Any, Any]:
    """Return what `Client.queue_status` does, for the engines with these `ids`, or for one alone."""
    reply = session.ask(AskQueues(verbose), "'queue_status'")
    assert isinstance(reply, Queues)
    found: dict[Any, Any] = {
        each.engine: _status(each, verbose=verbose)
        for each in sorted(reply.engines, key=lambda each: each.engine)
        if each.engine in ids
    }
    if single:
        return dict(found.get(ids[0], {}))
    hosts = {"unresponsive_hosts": list(reply.silent_hosts)} if reply.silent_hosts else {}
    return found | {"unassigned": _named(reply.unassigned_ids) if verbose else reply.unassigned} | hosts


def _status(each: EngineQueue, *, verbose: bool) -> dict[str, Any]:
    direct, balanced = _named(each.direct_ids), _named(each.balanced_ids)
    silence = {"unresponsive": round(each.unresponsive, 1)} if each.unresponsive else {}
    return {
        "queue": direct if verbose else each.direct,
        "completed": each.completed,
        "tasks": balanced if verbose else each.balanced,
        **silence,
    }


def _named(tasks: Iterable[TaskId]) -> list[str]:
    return [msg_id(task) for task in tasks]
