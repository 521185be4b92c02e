"""`rc.sessions()`: clients that are gone, and what the controller keeps of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from engineroom.client.progress.standing import duration
from engineroom.ids import SessionId, msg_id, task_id
from engineroom.machine.columns import in_columns
from engineroom.protocol.attaching import AboutSession, AskSessions, Sessions
from engineroom.protocol.task_ranges import numbers_in

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session

_HEADS = ("user", "host", "pid", "program", "gone for", "results", "running", "kept for", "last task")


class GoneSession(NamedTuple):
    """A client that has ended or lost its connection, and what the controller keeps of it.

    `since`: when it went, `until`: when what has ended is deleted, in seconds since 1970. `results`: how many results
    it has not fetched; `running`: how many of its tasks have not ended. `last`: a message id for `rc.attach`.
    """

    user: str
    host: str
    pid: int
    program: str
    since: float
    until: float
    results: int
    running: int
    last: str
    session: str
    ranges: tuple[tuple[int, int], ...] = ()

    @property
    def msg_ids(self) -> list[str]:
        """The ids of the tasks of which something is kept, for `rc.get_result`. Of very many, the first ones."""
        id_ = SessionId(bytes.fromhex(self.session))
        return [msg_id(task_id(id_, number)) for number in numbers_in(self.ranges)]


class GoneSessions(tuple[GoneSession, ...]):
    """Clients that are gone, the one that went last first. Shows itself as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self:
            return "no client that is gone has results here"
        return "\n".join(in_columns([_HEADS, *map(_row, self)]))

    def _repr_html_(self) -> str:
        from engineroom.client.pictures.tables import table  # only notebooks need it

        title = "Clients that are gone" if self else repr(self)
        return table(title, _HEADS, [_row(each) for each in self], note="rc.attach(last) shows a call" if self else "")


def _row(gone: GoneSession) -> tuple[str, ...]:
    now = time.time()
    return (
        gone.user,
        gone.host,
        str(gone.pid or ""),
        gone.program,
        duration(max(0.0, now - gone.since)),
        str(gone.results),
        str(gone.running),
        duration(max(0.0, gone.until - now)),
        gone.last,
    )


def gone_sessions(session: Session) -> GoneSessions:
    """Return the clients that are gone."""
    reply: Any = session.ask(AskSessions(), "the question about sessions")
    assert isinstance(reply, Sessions)
    now = time.time()
    return GoneSessions(_gone(each, now) for each in reply.sessions)


def _gone(about: AboutSession, now: float) -> GoneSession:
    who = about.who
    return GoneSession(
        who.user,
        who.host,
        who.pid,
        who.program,
        now - about.since,
        now + about.left,
        about.results,
        about.running,
        msg_id(about.last),
        about.session.hex(),
        about.tasks,
    )
