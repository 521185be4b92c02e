"""The entry point of the core: one match, which serves as its table of contents."""

from __future__ import annotations

from random import Random
from typing import assert_never

from engineroom.core.acknowledgements import tell_all
from engineroom.core.actions import Action
from engineroom.core.arrivals import (
    body_here,
    body_lost,
    function_coming,
    function_here,
    function_lost,
    function_missing,
)
from engineroom.core.attaching import attach, detach
from engineroom.core.attempts import finished, revoked, started, withdrawn
from engineroom.core.broadcast import submit
from engineroom.core.clients import client_gone, client_up, delivered, sync
from engineroom.core.deadlines import end_overdue
from engineroom.core.dependencies import settle
from engineroom.core.events import (
    Began,
    BodyHere,
    BodyLost,
    ClientBehind,
    ClientGone,
    ClientUp,
    Committed,
    Dismiss,
    EngineClosed,
    EngineUp,
    Event,
    FunctionComing,
    FunctionHere,
    FunctionLost,
    FunctionMissing,
    HostClosed,
    HostSays,
    HostUp,
    KeptHere,
    KeptLost,
    Large,
    Quiet,
    RecordedEnds,
    Restored,
    RestoredTasks,
    ResultAnnounced,
    Seen,
    Tick,
)
from engineroom.core.fullness import engine_full
from engineroom.core.journal import committed
from engineroom.core.keeping.keeping import forget, forget_gone, keep, kept_body_here, kept_body_lost
from engineroom.core.membership import dismiss, engine_up, held
from engineroom.core.nesting import waits
from engineroom.core.outputs import output
from engineroom.core.pauses import client_behind, go_on
from engineroom.core.prefetch import be_as_before, rebalance
from engineroom.core.presence.due import do_what_is_due, seen
from engineroom.core.presence.engines import engine_closed, engine_exited
from engineroom.core.presence.hosts import began, expect_host, host_closed, host_up
from engineroom.core.presence.silence import link_down, link_up, quiet
from engineroom.core.prospects import host_says
from engineroom.core.restored_tasks import recorded_ends, restored_tasks
from engineroom.core.restoring import restored
from engineroom.core.results import expire
from engineroom.core.returns import announced
from engineroom.core.state import ControllerState
from engineroom.core.staying import stay
from engineroom.core.unmet import unmet
from engineroom.core.withdrawals import abort, withdraw_more
from engineroom.ids import Peer
from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    Attach,
    Delivered,
    Detach,
    Display,
    EngineExited,
    Finished,
    Forget,
    Full,
    Held,
    Keep,
    Output,
    Revoked,
    Started,
    Staying,
    Submit,
    Sync,
    Unmet,
    Waits,
    Withdrawn,
)


def handle(state: ControllerState, peer: Peer, event: Event, *, now: float, rng: Random) -> list[Action]:
    """Apply `event` to `state`; return what must be done about it, in order.

    `now`: seconds by a clock that never goes back. Invalid events from `peer` are ignored.
    """
    state.now = now
    state.rng = rng
    out = state.out = []
    match event:
        case Finished():
            finished(state, peer, event)
        case Submit():
            submit(state, peer, event)
        case Delivered():
            delivered(state, peer, event)
        case Staying():
            stay(state, peer, event)
        case Started() | AlreadyStarted():
            started(state, peer, event.task, event.attempt)
        case Output() | Display():
            output(state, peer, event)
        case Large(message=Submit() as message):
            submit(state, peer, message, event.body)
        case ResultAnnounced():
            announced(state, peer, event.message, event.body)
        case Large(message=Finished() as result):
            finished(state, peer, result, event.body)
        case Waits():
            waits(state, peer, event)
        case Revoked():
            revoked(state, peer, event.task, event.attempt)
        case Withdrawn():
            withdrawn(state, peer, event)
        case Unmet():
            unmet(state, peer, event)
        case Tick():
            _tick(state)
        case Sync():
            sync(state, peer, event)
        case Abort():
            abort(state, peer, event)
        case Attach():
            attach(state, peer, event)
        case Detach():
            detach(state, peer, event)
        case ClientUp():
            client_up(state, peer, event)
            link_up(state, peer)
        case ClientGone():
            client_gone(state, peer)
            link_down(state, peer)
        case Full():
            engine_full(state, peer, event)
        case ClientBehind():
            client_behind(state, peer, behind=event.behind)
        case EngineUp():
            engine_up(state, peer, event)
            if peer in state.engine_peers:
                link_up(state, peer)
                expect_host(state, state.engine_peers[peer])
        case Held():
            held(state, peer, event)
        case EngineClosed():
            engine_closed(state, peer, event.closing)
            link_down(state, peer)
        case EngineExited():
            engine_exited(state, peer, event)
        case Dismiss():
            dismiss(state, event)
        case Seen():
            seen(state, peer, lives=event.lives, at_once=event.at_once)
        case Quiet():
            quiet(state, event.peers, event.asked)
        case HostUp():
            link_up(state, peer)
            host_up(state, peer, event)
        case HostClosed():
            host_closed(state, peer, event.closing)
            link_down(state, peer)
        case HostSays():
            host_says(state, event.host, event.says)
        case Restored():
            restored(state, event)
        case RestoredTasks():
            restored_tasks(state, event)
        case RecordedEnds():
            recorded_ends(state, event)
        case Began():
            began(state, event.host)
        case BodyHere():
            body_here(state, event.task, event.body)
        case BodyLost():
            body_lost(state, event.task, event.body, event.words)
        case Keep() | Forget() | KeptHere() | KeptLost() | Large(message=Keep()):
            _about_kept(state, peer, event)
        case FunctionComing() | FunctionHere() | FunctionLost() | FunctionMissing():
            _about_function(state, peer, event)
        case Committed():
            committed(state, event.up_to)
        case Large():
            raise AssertionError("a Large holds a Submit, a Finished or a Keep")
        case _:
            assert_never(event)
    if state.news:
        settle(state)
    if state.relieved:
        go_on(state)
        if state.news:
            settle(state)
            state.wake(now)  # a pause may end because of that
    return out


def _about_kept(state: ControllerState, peer: Peer, event: Keep | Forget | KeptHere | KeptLost | Large) -> None:
    match event:
        case Keep():
            keep(state, peer, event)
        case Large(message=Keep() as message):
            keep(state, peer, message, event.body)
        case Forget():
            forget(state, peer, event)
        case KeptHere():
            kept_body_here(state, peer, event)
        case KeptLost():
            kept_body_lost(state, peer, event)
        case Large():
            raise AssertionError("the reactor passes on only those that hold a Keep")
        case _:
            assert_never(event)


def _about_function(
    state: ControllerState, peer: Peer, event: FunctionComing | FunctionHere | FunctionLost | FunctionMissing
) -> None:
    match event:
        case FunctionComing():
            function_coming(state, peer, event.hash)
        case FunctionHere():
            function_here(state, event.hash, event.size)
        case FunctionLost():
            function_lost(state, peer, event.hash, event.words)
        case FunctionMissing():
            function_missing(state, peer, event.hash)


def _tick(state: ControllerState) -> None:
    """Do what is due, and schedule a wake-up for the rest."""
    now = state.now
    state.wake_at = None
    be_as_before(state)
    if state.owed_at is not None and state.owed_at <= now:
        tell_all(state)
    if state.rebalance_at is not None and state.rebalance_at <= now:
        state.rebalance_at = None
        rebalance(state)
    if state.expire_at is not None and state.expire_at <= now:
        forget_gone(state)
        expire(state)
    if state.withdrawals:
        withdraw_more(state)
    do_what_is_due(state)
    end_overdue(state)
    deadline = state.deadlines[0][0] if state.deadlines else None
    due = (state.owed_at, state.rebalance_at, state.expire_at, state.presence.agenda.next(), deadline)
    rest = [when for when in due if when is not None]
    if rest:
        state.wake(min(rest))
