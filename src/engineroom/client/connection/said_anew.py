"""What a client says as soon as it has connected, beside its calls: all that is so, whatever it has said before.

What is not so any more needs no word: with its Sync, the controller lets go of what was not named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from engineroom.client.state.unwanted import aborts_again
from engineroom.protocol.messages import HoldsPublished, Message, Restart, Shutdown, Signal, Staying
from engineroom.protocol.task_ranges import listed, pieces

if TYPE_CHECKING:
    from engineroom.client.state.state import State

_NAMES_VALUES = (2, 5)
"""From this version of the protocol on, controllers take the names of published values from clients."""


def said_anew(state: State, waiting: Iterable[Message], *, same: bool, protocol: tuple[int, int]) -> list[Message]:
    """Return it, in order, for a controller of this `protocol`; `same`: it is the one that was spoken to before.

    `waiting`: what was not sent over the last connection. Said of that is what is done once, and is no lasting state.
    """
    once = [message for message in waiting if isinstance(message, Signal | Restart | Shutdown)]
    numbers = {message.number for message in once if not isinstance(message, Shutdown)}
    with state.condition:
        return [
            *aborts_again(state.id, tuple(state.tasks.values())),
            *state.foreign.again(),
            *state.others.again(),
            *state.questions.again(numbers),
            *once,
            *state.leaving.again(same=same),
            *(_published(state) if protocol >= _NAMES_VALUES else ()),
            *(map(Staying, pieces(state.pins.stays.needed())) if same else ()),
        ]


def _published(state: State) -> Iterator[HoldsPublished]:
    return map(HoldsPublished, listed(tuple(state.published)))
