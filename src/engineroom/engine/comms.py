"""Comms: what widgets and progress bars of tasks say to their client, and what comes back.

They are those of the library `comm`, which this takes over when a task has imported it, and never imports itself. A
message goes to the client whose task runs, in one order with what that task prints and displays.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engineroom.protocol.messages import COMM_NAMES, Displays

if TYPE_CHECKING:
    from engineroom.engine.publisher import Show

_NOBODY = "a message of a comm was dropped: no task runs that it could belong to\n"


class Comms:
    """The comms of one engine. `show`: takes their messages. `most`: so many comms are kept, the latest ones."""

    def __init__(self, show: Show, most: int = 10_000) -> None:
        self._show, self._most = show, most
        self._manager: Any = None

    def watched(self) -> dict[str, Callable[[Any], None]]:
        """Return what is to be done once some modules have been imported, by their names."""
        # ipykernel, which some libraries import for its classes, puts its own comms in the place of these.
        return {
            "comm": self.take_over,
            "ipykernel.ipkernel": lambda _: self.take_over(sys.modules["comm"]),
            "ipywidgets.widgets.widget_output": _capture_outputs,
        }

    def take_over(self, library: Any) -> None:
        """Have the comms of `library`, the module `comm`, speak through this engine."""
        show, most, process = self._show, self._most, os.getpid()

        class Comm(library.BaseComm):  # type: ignore[misc]  # it need not be installed
            """A comm whose other end is at the client of the task that runs."""

            def publish_msg(
                self,
                msg_type: str,
                data: dict[str, Any] | None = None,
                metadata: dict[str, Any] | None = None,
                buffers: list[Any] | None = None,
                **keys: Any,
            ) -> None:
                if os.getpid() == process:  # nobody takes what a forked child says
                    if msg_type == "comm_open":
                        _bound(manager.comms, most)
                    _send(
                        show,
                        COMM_NAMES[msg_type],
                        {"comm_id": self.comm_id, "data": data or {}, **keys},
                        metadata,
                        buffers,
                    )

        if self._manager is None:
            self._manager = library.CommManager()
        manager = self._manager
        library.create_comm = Comm
        library.get_comm_manager = lambda: manager

    def hear(self, message: dict[str, Any]) -> None:
        """Hand a client's message ("msg_type", "content", "metadata", "buffers") to whoever listens to its comm.

        One that closes comms may have several `comm_ids`.

        ValueError: nobody does. What the listener raises is not caught.
        """
        kind, content = COMM_NAMES[message["msg_type"]], message["content"]
        manager = self._manager
        if kind is Displays.COMM_OPEN:
            if manager is None or content["target_name"] not in manager.targets:
                raise ValueError(f"this engine has no target {content['target_name']!r} for comms")
            manager.comm_open(None, None, message)
            return
        if kind is Displays.COMM_CLOSE and "comm_ids" in content:
            for id_ in content["comm_ids"]:
                self.hear({**message, "content": {**_without_ids(content), "comm_id": id_}})
            return
        comm = None if manager is None else manager.comms.get(content["comm_id"])
        if comm is None:
            if kind is Displays.COMM_CLOSE:
                return
            raise ValueError(f"this engine has no comm {content['comm_id']!r}: it was closed, or the engine restarted")
        if kind is Displays.COMM_MSG:
            comm.handle_msg(message)
            return
        comm._closed = True
        manager.unregister_comm(comm)
        comm.handle_close(message)


def _bound(comms: dict[str, Any], most: int) -> None:
    """Forget the oldest comms if there are too many: their clients may have been killed."""
    while len(comms) > most:
        comms.pop(next(iter(comms)))._closed = True


def _without_ids(content: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in content.items() if name != "comm_ids"}


def _capture_outputs(module: Any) -> None:
    from engineroom.engine.output_widgets import capture_outputs  # only engines that have widgets need it

    capture_outputs(module)


def _send(
    show: Show, kind: Displays, content: dict[str, Any], metadata: dict[str, Any] | None, buffers: list[Any] | None
) -> None:
    from engineroom.engine.displays import encoded_comm  # only engines that have comms need it

    show(kind, encoded_comm(content, metadata or {}, buffers or ()), _NOBODY)
