"""Our own mistakes: an exception where none may be costs the peer that found it its connection, nobody else anything.

It is logged with the event, and with what the event touched. What the core had decided by then is done, if all that
must hold of its state still holds; else the controller ends, and says why.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engineroom.controller.links import Link
from engineroom.controller.shown import shown
from engineroom.core.actions import Action
from engineroom.core.events import ClientGone, ClientUp, EngineClosed, EngineUp, Event
from engineroom.core.reactor import handle
from engineroom.core.touched import touched
from engineroom.ids import Peer
from engineroom.protocol.closing import Closing, Why

if TYPE_CHECKING:
    from engineroom.controller.shell import Controller
    from engineroom.core.state import ControllerState

log = logging.getLogger(__name__)

EXIT_CODE = 70
"""That of a controller whose state is not what it must be: EX_SOFTWARE."""


class Faults:
    """Has the controller survive them, or end."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.fatal = ""
        """Why the controller can't go on, "" if it can."""
        self._sent_away: Peer | None = None
        """Who was sent away last."""

    def in_core(self, peer: Peer, event: Event, error: Exception) -> list[Action]:
        """The core has failed on `event`: return what is to be done all the same."""
        if peer == self._sent_away:  # the rest of what it had said at once
            return []
        state = self._controller.state
        log.critical(
            "a mistake in the controller: %s cannot be handled",
            type(event).__name__,
            exc_info=error,
            extra={"peer": peer, "event": shown(event), "touched": _touched(state, peer, event)},
        )
        decided = list(state.out)
        if not self._is_sound(error):
            return []
        link = self._controller.links.by_peer.get(peer)
        if link is not None:
            self._sent_away = peer
            self._controller.perform(decided)
            link.connection.refuse(_words(event))
            return []
        return [*decided, *self._undo(peer, event)]

    def in_shell(self, link: Link, messages: Iterable[Any], error: Exception) -> None:
        """A receiver has failed on one of `messages`."""
        kinds = sorted({type(message).__name__ for message in messages})
        log.critical(
            "a mistake in the controller: a message cannot be handled",
            exc_info=error,
            extra={"peer": link.peer, "role": link.role, "kinds": kinds},
        )
        if self._is_sound(error):
            link.connection.refuse(f"the controller failed on a message of this {link.role} ({', '.join(kinds)})")

    def _undo(self, peer: Peer, event: Event) -> list[Action]:
        """Have the core forget a peer that is not let in because of this."""
        again: Event | None = None
        if isinstance(event, ClientUp):
            again = ClientGone()
        elif isinstance(event, EngineUp):
            again = EngineClosed(Closing(Why.REFUSED, "the controller failed when it joined"))
        state = self._controller.state
        return [] if again is None else handle(state, peer, again, now=state.now, rng=state.rng)

    def _is_sound(self, error: Exception) -> bool:
        """Whether the core's state is as it must be; the controller ends if it is not."""
        try:
            self._controller.state.check()
        except Exception as broken:  # whatever goes wrong while one looks at it
            log.critical("the controller's state is damaged", exc_info=broken)
            self.fatal = (
                f"a mistake in the controller has damaged its state ({type(error).__name__}: {error}). Its log has the "
                "details; please report them. Start the cluster again"
            )
            self._controller.request_stop(self.fatal)
            return False
        return True


def _touched(state: ControllerState, peer: Peer, event: Event) -> dict[str, str]:
    """Return what `event` touched, as far as a state that may be damaged can be looked at."""
    try:
        return touched(state, peer, event)
    except Exception as broken:  # noqa: BLE001 (whatever goes wrong while one looks at it)
        return {"state": f"it cannot be looked at: {type(broken).__name__}: {broken}"}


def _words(event: Event) -> str:
    return f"the controller failed on a message of this peer ({type(event).__name__}); its log has the details"
