"""Kept calls run on engines: in order, ahead of all else, and an engine takes no balanced task before they have ended.

Direct tasks wait as well while the bytes of a kept call are on their way; later they stand behind it in the engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.holding import withdraw
from engineroom.core.keeping.calls import KeptCall, Step
from engineroom.core.placement import feed
from engineroom.core.prefetch import ask_back, refresh
from engineroom.core.waiting import resume
from engineroom.ids import number_of
from engineroom.protocol.messages import Finished, KeptRan, NeedFunction, Run, Status
from engineroom.protocol.task_ranges import attempt_ranges
from engineroom.protocol.texts import brief

if TYPE_CHECKING:  # the state holds kept calls
    from engineroom.core.state import ControllerState

_ERROR = 1000
"""Characters of an error that are kept."""


def expect(state: ControllerState, engine: Engine) -> None:
    """`engine` has just joined: direct tasks for it wait until what it has to run first is on its way."""
    for call in state.kept.values():
        if call.is_for(engine):
            engine.first[call.id] = Step(call)
    _hold(engine)


def add(state: ControllerState, engine: Engine, call: KeptCall) -> None:
    """`call` has been kept while `engine` is here, and has to run there as well."""
    engine.first[call.id] = Step(call)
    engine.closed = True
    for task in reversed(list(engine.spare.values())):
        ask_back(state, task, engine)
    _hold(engine)
    refresh(state, engine)
    go_on(state, engine)


def connected(state: ControllerState, engine: Engine) -> None:
    """`engine` has said what it holds: it is sent what it has to run first. What it was sent before may be lost."""
    if engine.first:
        engine.closed = True
        for step in engine.first.values():
            step.sent = False
        _hold(engine)
        refresh(state, engine)
        go_on(state, engine)


def go_on(state: ControllerState, engine: Engine) -> None:
    """Send what `engine` has to run first, in order, as far as it is here."""
    if engine.peer is None:
        return
    for step in engine.first.values():
        call = step.call
        if step.sent or step.error:
            continue
        if not call.whole or call.function.away:
            return
        step.attempt, step.sent = max(step.attempt, state.first_attempt) + 1, True
        state.send(engine.peer, Run(call.id, step.attempt, call.keep.call, direct=True), call.body)
    _let_go(state, engine)


def function_here(state: ControllerState) -> None:
    """A function is here that kept calls may wait for."""
    for engine in state.engines.values():
        if engine.first:
            go_on(state, engine)


def function_missing(state: ControllerState, engine: Engine, hash_: bytes) -> None:
    """`engine` lacks a function that is not to be had now: its kept calls wait for it here, and for those before."""
    found = False
    again = []
    for step in engine.first.values():
        function = step.call.function
        found = found or function.hash == hash_
        if found and step.sent and not step.error:
            step.sent = False
            again.append((step.call.id, step.attempt))
        if function.hash == hash_:
            state.send(step.call.session.peer, NeedFunction(hash_))
    if again:
        _hold(engine)
        withdraw(state, engine, list(attempt_ranges(again)))


def ran(state: ControllerState, engine: Engine, message: Finished) -> None:
    """A kept call has ended on `engine`."""
    step = engine.first[message.task]
    call, outcome = step.call, message.outcome
    error = "" if outcome.status == Status.OK else brief(outcome.error, _ERROR) or "it failed"
    call.ended[engine.instance] = step.error = error
    engine.progress = state.now
    if step.sent and message.attempt != step.attempt:  # one that an earlier controller has sent
        withdraw(state, engine, [(call.session.id, number_of(call.id), number_of(call.id), step.attempt)])
    state.send(call.session.peer, KeptRan(call.keep.kept, engine.id, engine.instance, error))
    if error:
        go_on(state, engine)  # an earlier attempt, perhaps, while this one waits
    else:
        drop(state, engine, (call,))


def drop(state: ControllerState, engine: Engine, calls: Iterable[KeptCall]) -> None:
    """`engine` need not run `calls` any more; with the last one it takes balanced tasks."""
    if not [call for call in calls if engine.first.pop(call.id, None) is not None]:
        return
    go_on(state, engine)
    if not engine.first:
        _let_go(state, engine)
        if engine.peer is not None:
            engine.closed = engine.full is not None
            feed(state, engine)


def what_it_ran(engine: Engine) -> str:
    """Return what `engine` was in the middle of when it ended, if that was a kept call, for people; else ""."""
    step = next((step for step in engine.first.values() if step.sent and not step.error), None)
    return "" if step is None else f"it was running the kept call {step.call.keep.what!r}"


def why_not_ready(engine: Engine) -> str:
    """Return why `engine` takes no balanced tasks because of kept calls; "": it does."""
    for step in engine.first.values():
        if step.error:
            return (
                f"not ready: the kept call {step.call.keep.what!r} failed: {step.error}. It takes no load-balanced "
                "tasks until its client runs `rc.forget()`"
            )
    for step in engine.first.values():
        doing = "it is running" if step.sent else "it waits for"
        return f"not ready: {doing} the kept call {step.call.keep.what!r}"
    return ""


def _hold(engine: Engine) -> None:
    if engine.first and not engine.unready:
        engine.unready = True
        engine.recalled += 1


def _let_go(state: ControllerState, engine: Engine) -> None:
    if engine.unready:
        engine.unready = False
        engine.recalled -= 1
        resume(state, engine)
