"""Tells clients of engines that do not answer, or have lost their connections, and whoever asks of such hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.engines import Engine
from engineroom.core.sessions import Session
from engineroom.protocol.messages import EngineSilent

if TYPE_CHECKING:
    from engineroom.core.presence.register import Host
    from engineroom.core.state import ControllerState

_NAMED = 8
"""So many engines of a silent host are named."""


def tell_clients(state: ControllerState, engine: Engine) -> None:
    """Tell every client how it stands with `engine`."""
    for session in state.clients.values():
        tell_client(state, session, engine)


def tell_client(state: ControllerState, session: Session, engine: Engine) -> None:
    """Tell one client for how long `engine` has been silent, 0: it is not; and how many of its tasks are there."""
    seconds = 0.0 if engine.silent_since is None else max(0.001, state.now - engine.silent_since)
    tasks = sum(task.session is session for task in engine.held.values())
    message = EngineSilent(engine.id, engine.instance, seconds, tasks, away=not engine.connected)
    state.send(session.peer, message)


def silent_hosts(state: ControllerState) -> list[str]:
    """Return, a sentence each, which hosts do not answer: nobody waits for them, but their engines may need them."""
    silent = [(host, host.silent_since) for host in state.presence.hosts.values() if host.silent_since is not None]
    return [_of_host(state, host, state.now - since) for host, since in silent]


def _of_host(state: ControllerState, host: Host, seconds: float) -> str:
    ids = sorted(engine.id for engine in state.engines.values() if engine.host == host.id)
    more = f" and {len(ids) - _NAMED} others" if len(ids) > _NAMED else ""
    names = f"engine{'' if len(ids) == 1 else 's'} {', '.join(map(str, ids[:_NAMED]))}{more}" if ids else "no engines"
    process = f"process {host.pid}" if host.pid else "process on another machine"
    return (
        f"the ipcluster {process} that started {names} has not answered for {seconds:.0f} s: "
        "engines run on, but are not restarted or signalled"
    )


def is_here_again(state: ControllerState, engine: Engine) -> None:
    """`engine` has connected: it is silent no longer."""
    engine.dismissed = ""
    if engine.silent_since is not None:
        engine.silent_since = None
        tell_clients(state, engine)
