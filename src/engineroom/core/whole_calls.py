"""Calls as a whole: what clients that attach to one see of it, and what stays for them.

A call for several engines is one `Submit` and several tasks. What its client has fetched of some of these stays until
all of them have ended and were fetched, so that whoever attaches meanwhile sees the call from its first byte. It is
bounded in bytes (`Limits.fetched_bytes`) and counts as nobody's load; a result that came as a stream is let go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engineroom.core.actions import DropSession
from engineroom.core.outputs import KeptOutput, drop_output, take_output
from engineroom.core.watching import abandoned, named
from engineroom.ids import INSTANCE_BYTES, number_of
from engineroom.protocol.messages import Result, Submit

if TYPE_CHECKING:  # the state holds sessions
    from engineroom.core.sessions import Session
    from engineroom.core.state import ControllerState

_NOBODY = "its client has gone, or has said that it waits for it no more"

_RESULT_BYTES = 512
"""What a fetched result takes beside its payload."""


class WholeCall:
    """The tasks of `session` from `first` to `last`. `submit`: None if they have all ended before anybody asked."""

    __slots__ = ("_at", "first", "kind", "label", "last", "outputs", "results", "session", "size", "watchers")

    def __init__(self, session: Session, first: int, last: int, submit: Submit | None) -> None:
        self.session, self.first, self.last = session, first, last
        self.kind = None if submit is None else submit.call.kind
        self.label = "" if submit is None else submit.options.label
        self.results: dict[int, Result] = {}
        """By number: those that its client has fetched..."""
        self.outputs: dict[int, KeptOutput] = {}
        """... and what these tasks wrote."""
        self.size = 0
        """Bytes that these take."""
        self.watchers: dict[Session, None] = {}
        """The clients that are attached."""
        self._at = first

    @property
    def is_over(self) -> bool:
        """Whether all its tasks have ended, and their results were fetched. O(1), over its life."""
        session, at = self.session, self._at
        while at <= self.last and not (at in session.tasks or at in session.results or at in session.unsent):
            at += 1
        self._at = at
        return at > self.last


def numbers_of(submit: Submit) -> tuple[int, int]:
    """Return the first and the last number of the tasks that `submit` asks for."""
    first = number_of(submit.task)
    return first, first if submit.to is None else first + len(submit.to) // INSTANCE_BYTES - 1


def call_of(session: Session, number: int) -> WholeCall:
    """Return the call of a task that is here; made if nobody needed it before."""
    call, task = session.calls.get(number), session.tasks.get(number)
    if call is not None:
        return call
    if task is None or not task.submit.task:  # its client has yet to say which call it is a part of
        return _begin(WholeCall(session, number, number, None))
    return begin(session, task.submit)


def begin(session: Session, submit: Submit) -> WholeCall:
    """Return the call that `submit` asks for, which is kept together from now on."""
    first, last = numbers_of(submit)
    known = session.calls.get(first)
    return known if known is not None and known.last == last else _begin(WholeCall(session, first, last, submit))


def _begin(call: WholeCall) -> WholeCall:
    """Have `call` known by all its tasks. Whoever is attached to some of these from before is attached to it."""
    calls = call.session.calls
    for number in range(call.first, call.last + 1):
        part = calls.get(number)
        calls[number] = call
        if part is not None:
            _join(call, part)
    return call


def _join(call: WholeCall, part: WholeCall) -> None:
    """Have `call` take over what there is of a task that was taken for a call of its own."""
    call.results |= part.results
    call.outputs |= part.outputs
    call.size += part.size
    for watcher in part.watchers:
        del watcher.watching[part]
        call.watchers[watcher] = watcher.watching[call] = None
    part.watchers.clear()
    part.size = 0


def retain(state: ControllerState, session: Session, numbers: Iterable[int]) -> dict[WholeCall, None]:
    """The client has fetched these results: what belongs to whole calls stays for others. Return these calls."""
    found: dict[WholeCall, None] = {}
    for number in numbers:
        call = session.calls.get(number)
        if call is not None:
            found[call] = None
            _retain(state, call, number)
    return found


def _retain(state: ControllerState, call: WholeCall, number: int) -> None:
    """Keep what is fetched of this task, as far as there is room."""
    session, room = call.session, state.limits.fetched_bytes - state.fetched_bytes
    kept = session.results.get(number)
    if kept is not None and isinstance(kept.result.body, bytes) and number not in call.results:
        size = _size_of(kept.result)
        if size <= room:
            call.results[number] = named(session, number, kept)
            room -= size
            _count(state, call, size)
    written = session.outputs.get(number)
    if written is not None and written.ended and written.size <= room:
        call.outputs[number] = take_output(session, number)
        _count(state, call, written.size)
    else:
        drop_output(session, number)


def _size_of(result: Result) -> int:
    return _RESULT_BYTES + (len(result.body) if isinstance(result.body, bytes) else 0)


def _count(state: ControllerState, call: WholeCall, size: int) -> None:
    call.size += size
    state.fetched_bytes += size


def settle_call(state: ControllerState, session: Session, number: int) -> None:
    """Forget the call of this task, if it is over and nobody is attached."""
    call = session.calls.get(number)
    if call is not None:
        settle_calls(state, (call,))


def settle_calls(state: ControllerState, calls: Iterable[WholeCall]) -> None:
    """Forget those of `calls` that are over, and to which nobody is attached."""
    for call in calls:
        if not call.watchers and call.is_over:
            drop_call(state, call)


def drop_call(state: ControllerState, call: WholeCall) -> None:
    """Forget `call`, and what was kept of it for others."""
    for number in range(call.first, call.last + 1):
        del call.session.calls[number]
    for watcher in call.watchers:
        del watcher.watching[call]
        state.send(watcher.peer, abandoned(call.session, call.first, call.last, _NOBODY))
    call.watchers.clear()
    call.results.clear()
    call.outputs.clear()
    _count(state, call, -call.size)


def nobody_waits(state: ControllerState, session: Session, number: int) -> None:
    """The client of a task waits for it no more, and it is not here."""
    call = session.calls.get(number)
    if call is not None:
        for watcher in call.watchers:
            state.send(watcher.peer, abandoned(session, number, number, _NOBODY))
        settle_call(state, session, number)


def nobody_waits_for(state: ControllerState, session: Session, numbers: Iterable[int]) -> None:
    """The client has not submitted these tasks again; of those that are not here, whoever is attached is told so."""
    if not session.calls:
        return
    for number in numbers:
        if not (number in session.tasks or number in session.results or number in session.claims):
            nobody_waits(state, session, number)


def drop_session(state: ControllerState, session: Session) -> None:
    """Forget `session`, whose client is gone, and its calls."""
    for call in dict.fromkeys(session.calls.values()):
        drop_call(state, call)
    del state.gone[session.id], state.sessions[session.id]
    state.out.append(DropSession(session.id))


def leave_calls(state: ControllerState, session: Session) -> None:
    """The client of `session` is attached to nothing any more."""
    for call in tuple(session.watching):
        leave(state, session, call)


def leave(state: ControllerState, session: Session, call: WholeCall) -> None:
    """The client of `session` is not attached to `call` any more."""
    if call in session.watching:
        del session.watching[call], call.watchers[session]
        settle_call(state, call.session, call.first)


def check_calls(state: ControllerState) -> None:
    """Assert that whole calls are known by all their tasks, are needed, and are counted. For tests."""
    size = 0
    for session in state.sessions.values():
        for call in set(session.calls.values()):
            assert call.session is session
            assert all(session.calls[number] is call for number in range(call.first, call.last + 1))
            assert call.watchers or not call.is_over, "a call is kept that nobody needs"
            assert not call.outputs.keys() & session.outputs.keys()
            assert all(call in watcher.watching and watcher.peer is not None for watcher in call.watchers)
            assert call.size == sum(its.size for its in call.outputs.values()) + sum(
                map(_size_of, call.results.values())
            )
            size += call.size
        assert all(session in call.watchers for call in session.watching)
    assert state.fetched_bytes == size
    assert size <= state.limits.fetched_bytes
