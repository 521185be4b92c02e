"""Comms: what widgets made on engines say to this client, for whoever shows them."""

from __future__ import annotations

import base64
import binascii
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engineroom.client.state.distinct import DistinctIds
from engineroom.client.state.output import read_json
from engineroom.protocol.messages import Display

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task
    from engineroom.client.waiting.waits import CallbackThread

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CommMessage:
    """One message of a comm, as Jupyter has it. `msg_type`: "comm_open", "comm_msg" or "comm_close"; `content`: has
    the `comm_id`; `task`, `msg_id`: of which task it comes."""

    msg_type: str
    content: dict[str, Any]
    metadata: dict[str, Any]
    buffers: list[bytes] = field(repr=False)
    task: Task = field(repr=False)
    msg_id: str

    @property
    def engine(self) -> int:
        """The engine that it comes from; -1: not known yet."""
        return self.task.engine


Listener = Callable[[CommMessage], object]


class Comms:
    """Passes on what tasks say over comms, in order. `listener`: takes it, one message at a time; or None.

    `on_leave`: called before the client is closed, to close the engines' ends. The listener is called on the thread for
    callbacks or, if that is sooner, on the one that calls `pass_on`. What is to be said
    to an engine goes there by `DirectView._send_comm`.
    """

    def __init__(self, callbacks: CallbackThread) -> None:
        self.listener: Listener | None = None
        self.on_leave: Callable[[], object] | None = None
        self.ids = DistinctIds()
        self._callbacks = callbacks
        self._heard: deque[tuple[Display, Task, str]] = deque()
        self._parts: dict[str, list[bytes]] = {}
        """By task: the parts that are here of a message that is too long for one."""
        self._passing = threading.RLock()

    def heard(self, display: Display, task: Task, msg_id: str) -> None:
        """Have a message passed on that a task has sent. Without a listener it is forgotten."""
        if self.listener is None:
            return
        if display.is_part:
            whole = self._joined(display, msg_id)
            if whole is None:
                return
            display = whole
        self._heard.append((display, task, msg_id))
        self._callbacks.call(self.pass_on)

    def _joined(self, part: Display, msg_id: str) -> Display | None:
        """Return the message of which `part` is the last part; None: more are to come, or some are missing."""
        parts = self._parts.pop(msg_id, []) if part.part else []
        if len(parts) != part.part:
            return None
        parts.append(part.content)
        if part.more:
            self._parts[msg_id] = parts
            return None
        return Display(part.task, part.attempt, part.kind, part.seq, b"".join(parts))

    def shown(self, content: dict[str, Any], engine: object) -> dict[str, Any]:
        """Return what a task of `engine` displays as the notebook is to have it: with ids that no other engine has.

        Call it in the order of what tasks display and say: a widget is made here before its view is shown.
        `content`: as a display's message has it; `engine`: the process, or the id if that is not known.
        """
        self.pass_on()
        return self.ids.display(engine, content)

    def leave(self) -> None:
        """Have the engines forget the comms: nobody listens any more."""
        leave, self.on_leave, self.listener = self.on_leave, None, None
        if leave is not None:
            try:
                leave()
            except Exception:
                log.exception("widgets could not be closed")

    def pass_on(self) -> None:
        """Return when all that has been heard was passed on: what is shown next may be a widget that it has made."""
        if self.listener is not None:
            with self._passing:  # also to wait for another thread, which may have begun
                while self._heard:
                    self._pass_one()

    def _pass_one(self) -> None:
        listener, message = self.listener, _message(*self._heard.popleft())
        if listener is None:
            return
        try:
            listener(message)
        except Exception:
            log.exception("what listens to widgets failed")


def _message(display: Display, task: Task, msg_id: str) -> CommMessage:
    content = read_json(display.content)
    metadata, buffers = content.pop("metadata", None), content.pop("buffers", None)
    parts = [_bytes(part) for part in buffers] if isinstance(buffers, list) else []
    found = metadata if isinstance(metadata, dict) else {}
    return CommMessage(display.kind.name.lower(), content, found, parts, task, msg_id)


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(text) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""
