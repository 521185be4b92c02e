"""Results that their clients have and may name once more: they stay here for calls that take them as arguments.

They do not count as kept for their client, or they would pause its tasks. Nothing is dropped without it: it knows its
limit, and if there is too much all the same, it is asked to acknowledge the oldest ones. From then on they count as
kept: so whoever does not do so holds up nobody but itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.edges import Use
from engineroom.core.pressure import press, relieve
from engineroom.core.sessions import Session
from engineroom.core.tasks import Kept
from engineroom.ids import Peer
from engineroom.protocol.messages import LetGo, Staying
from engineroom.protocol.task_ranges import found_in, task_pieces

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.state import ControllerState


def stay(state: ControllerState, peer: Peer, message: Staying) -> None:
    """A client has these results and may name them. O(those that are here)."""
    session = state.clients.get(peer)
    if session is None:
        return
    for number in found_in(message.results, session.results):
        session.unnamed.discard(number)
        kept = session.results[number]
        if _may_stay(kept):
            _stay(state, session, number, kept)
    if session.kept_bytes < session.low:
        relieve(state, session)
    bound(state, session)


def _may_stay(kept: Kept) -> bool:
    return not kept.result.outcome.status and (kept.use is None or not (kept.use.stays or kept.use.delivered))


def _stay(state: ControllerState, session: Session, number: int, kept: Kept) -> None:
    if kept.use is None:
        kept.use = Use()
    if kept.use.counted:
        session.input_bytes -= kept.size
        state.input_bytes -= kept.size
    else:
        session.kept_bytes -= kept.size
    kept.use.stays, kept.use.counted = True, False
    session.staying[number] = kept
    session.staying_bytes += kept.size
    state.staying_bytes += kept.size


def stays_no_more(state: ControllerState, session: Session, number: int, kept: Kept) -> None:
    """The client of `session` does not name this result any more: it counts as an argument, or as kept."""
    use = kept.use
    if use is None or not use.stays:
        return
    use.stays = False
    del session.staying[number]
    session.staying_bytes -= kept.size
    state.staying_bytes -= kept.size
    if use.users:
        use.counted = True
        session.input_bytes += kept.size
        state.input_bytes += kept.size
    else:
        session.kept_bytes += kept.size


def bound(state: ControllerState, session: Session) -> None:
    """If too much stays, ask the client of `session` to let go of the oldest that no task uses. O(what stays)."""
    if not _is_too_much(state, session):
        return
    asked: list[int] = []
    for number, kept in tuple(session.staying.items()):
        if kept.use is not None and not kept.use.users:
            stays_no_more(state, session, number, kept)
            asked.append(number)
            if not _is_too_much(state, session):
                break
    if session.peer is not None:
        for tasks in task_pieces(session.id, asked):
            state.send(session.peer, LetGo(tasks))
    if session.kept_bytes > session.room:
        press(state, session)


def _is_too_much(state: ControllerState, session: Session) -> bool:
    limits = state.limits
    return session.staying_bytes > limits.staying_bytes or state.staying_bytes > limits.all_staying_bytes
