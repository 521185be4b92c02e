"""The engines of a client as a table: where they are, what they have to do, how much memory they take."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from engineroom.client.engines.memory import memory_of
from engineroom.client.pictures.tables import MOST_ROWS, size_in_words
from engineroom.client.progress.standing import duration
from engineroom.client.waiting.waits import Deadline
from engineroom.errors import EngineroomError
from engineroom.machine.columns import in_columns
from engineroom.protocol.questions import AskQueues, EngineQueue, Queues, Reply

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.engine_table import Engine

HEADS = ("engine", "host", "pid", "load", "done", "memory", "state")

_ANSWER = 0.3
"""Seconds that the controller may take to tell what engines have to do, and these what memory they take."""

_OLD = 1.0
"""Seconds after which it is said how old an answer is."""

_MOST_HOSTS = 3


class Load(NamedTuple):
    """What the controller said last about the engines' queues, and when (`time.time()`)."""

    at: float
    queues: Mapping[int, EngineQueue]


def rows_of(session: Session, ids: Iterable[int] | None = None) -> tuple[list[tuple[object, ...]], str]:
    """Return a row of `HEADS` for each engine (`ids`: for these), and a note on their age. Waits for 0.3 s at most."""
    deadline = Deadline(_ANSWER)
    load, engines = _load(session, deadline), sorted(session.engines.all(), key=lambda engine: engine.id)
    wanted = None if ids is None else set(ids)
    chosen = [engine for engine in engines if wanted is None or engine.id in wanted]
    memory = memory_of(session, [engine.id for engine in chosen[:MOST_ROWS]], deadline)
    rows = [_row(engine, load, memory.get(engine.id, 0)) for engine in chosen]
    return rows, _note(session, load)


def hosts(session: Session) -> str:
    """Return where the engines are: " on node1, node2", "" if that is not known."""
    found = list(dict.fromkeys(engine.info.host for engine in session.engines.all() if engine.info.host))
    more = f" and {len(found) - _MOST_HOSTS} more hosts" if len(found) > _MOST_HOSTS else ""
    return f" on {', '.join(sorted(found)[:_MOST_HOSTS])}{more}" if found else ""


def as_text(rows: Sequence[Sequence[object]]) -> str:
    """Return these rows as lines, below their heads."""
    return "\n".join(in_columns([HEADS, *(tuple(map(str, row)) for row in rows)]))


def _load(session: Session, deadline: Deadline) -> Load | None:
    """Return the queues of the engines: as they are now or, if the controller does not answer, as they were."""
    if not session.closed:
        reply: Reply | None
        try:
            reply = session.ask(AskQueues(), "'queues'", timeout=deadline.left())
        except (EngineroomError, TimeoutError, RuntimeError):  # it is away, or this thread must not wait
            reply = None
        if isinstance(reply, Queues):
            session.load = Load(time.time(), {each.engine: each for each in reply.engines})
    known: Load | None = session.load
    return known


def _row(engine: Engine, load: Load | None, memory: int) -> tuple[object, ...]:
    queue = None if load is None else load.queues.get(engine.id)
    info = engine.info
    load_words, done, state = "", "", "ready"
    if queue is not None:
        waiting = queue.direct + queue.balanced
        load_words, done = f"{waiting} task{'s' * (waiting != 1)}", f"{queue.completed}"
        state = "busy" if waiting else "idle"
        if queue.unresponsive:
            state = f"unresponsive for {duration(queue.unresponsive)}"
    if info.problem:
        state = f"{state}; start-up code failed"
    return engine.id, info.host, info.pid or "", load_words, done, size_in_words(memory) if memory else "", state


def _note(session: Session, load: Load | None) -> str:
    parts = ["this client is closed"] if session.closed else []
    if load is None:
        parts.append("the controller has not told what the engines do")
    elif (age := time.time() - load.at) > _OLD:
        parts.append(f"load as of {duration(age)} ago")
    return "; ".join(parts)
