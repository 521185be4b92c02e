"""Comms: what widgets made on engines say to this client, for whoever shows them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from engineroom.client.state.output import read_json

if TYPE_CHECKING:
    from engineroom.client.waiting.waits import CallbackThread
    from engineroom.protocol.messages import Display


@dataclass(frozen=True)
class CommMessage:
    """One message of a comm, as Jupyter has it. `msg_type`: "comm_open", "comm_msg" or "comm_close"; `content`: has
    the `comm_id`; `engine`, `msg_id`: where it comes from (-1: not known yet), and of which task."""

    msg_type: str
    content: dict[str, Any]
    metadata: dict[str, Any]
    buffers: list[bytes] = field(repr=False)
    engine: int
    msg_id: str


Listener = Callable[[CommMessage], object]


class Comms:
    """Passes on what tasks say over comms, in order. `listener`: takes it, on the thread for callbacks; or None.

    What is to be said to an engine goes there by `DirectView._send_comm`.
    """

    def __init__(self, callbacks: CallbackThread) -> None:
        self.listener: Listener | None = None
        self._callbacks = callbacks

    def heard(self, display: Display, engine: int, msg_id: str) -> None:
        """Pass on a message that a task has sent."""
        if self.listener is not None:
            self._callbacks.call(partial(self._pass_on, display, engine, msg_id))

    def _pass_on(self, display: Display, engine: int, msg_id: str) -> None:
        listener = self.listener
        if listener is not None:
            listener(_message(display, engine, msg_id))


def _message(display: Display, engine: int, msg_id: str) -> CommMessage:
    content = read_json(display.content)
    metadata, buffers = content.pop("metadata", None) or {}, content.pop("buffers", None) or ()
    parts = [base64.b64decode(part) for part in buffers]
    return CommMessage(display.kind.name.lower(), content, metadata, parts, engine, msg_id)
