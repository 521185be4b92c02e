"""What engines and widgets use of the library `comm`, which need not be installed where these tests run.

`tests/real/test_comms.py` has the library itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

Listener = Callable[[dict[str, Any]], object]


class BaseComm:
    """One end of a comm; as a `primary` one it opens the other end."""

    def __init__(
        self, target_name: str = "comm", data: Any = None, *, comm_id: str | None = None, primary: bool = True
    ) -> None:
        self.comm_id = comm_id or uuid.uuid4().hex
        self.target_name = target_name
        self._heard: Listener | None = None
        self._ended: Listener | None = None
        self._closed = False
        if primary:
            get_comm_manager().register_comm(self)
            self.publish_msg("comm_open", data=data, target_name=target_name, target_module=None)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        raise NotImplementedError

    def send(self, data: Any = None, metadata: Any = None, buffers: Any = None) -> None:
        self.publish_msg("comm_msg", data=data, metadata=metadata, buffers=buffers)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.publish_msg("comm_close")
            get_comm_manager().unregister_comm(self)

    def on_msg(self, listener: Listener) -> None:
        self._heard = listener

    def on_close(self, listener: Listener) -> None:
        self._ended = listener

    def handle_msg(self, message: dict[str, Any]) -> None:
        if self._heard is not None:
            self._heard(message)

    def handle_close(self, message: dict[str, Any]) -> None:
        if self._ended is not None:
            self._ended(message)


class CommManager:
    """Knows all comms, and who wants those that the other side opens."""

    def __init__(self) -> None:
        self.comms: dict[str, BaseComm] = {}
        self.targets: dict[str, Callable[[BaseComm, dict[str, Any]], object]] = {}

    def register_target(self, name: str, wants: Callable[[BaseComm, dict[str, Any]], object]) -> None:
        self.targets[name] = wants

    def register_comm(self, comm: BaseComm) -> None:
        self.comms[comm.comm_id] = comm

    def unregister_comm(self, comm: BaseComm) -> None:
        del self.comms[comm.comm_id]

    def comm_open(self, stream: object, ident: object, message: dict[str, Any]) -> None:
        content = message["content"]
        comm = create_comm(comm_id=content["comm_id"], primary=False, target_name=content["target_name"])
        self.register_comm(comm)
        self.targets[content["target_name"]](comm, message)


def create_comm(**options: Any) -> BaseComm:
    return BaseComm(**options)


def get_comm_manager() -> CommManager:
    raise NotImplementedError
