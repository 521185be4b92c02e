"""Widgets made on engines, in a notebook: each of their comms goes on between the notebook's kernel and the notebook.

Imported only inside an ipykernel.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from comm.base_comm import BaseComm

from engineroom.errors import EngineError, RemoteError
from engineroom.magics.notebook_messages import Notebook, Parent
from engineroom.magics.widget_lines import Line, Said

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.state.comms import CommMessage


def install(client: Client, shell: Any) -> None:
    """Have the widgets of `client`'s engines work in this notebook; do nothing outside of one."""
    kernel = getattr(shell, "kernel", None)
    if kernel is not None and hasattr(kernel, "iopub_socket") and client._comms.listener is None:
        relay = Relay(client, Notebook(kernel))
        client._comms.listener, client._comms.on_leave = relay.hear, relay.leave


class NearEnd(BaseComm):
    """The notebook's end of a comm. `cell`: the one that opened it; `process`, `comm_id_there`: the engine's end."""

    def __init__(self, relay: Relay, message: CommMessage, comm_id: str, process: object, cell: Parent) -> None:
        content = message.content
        self.relay, self.source, self.process, self.cell, self.parent = relay, message.task, process, cell, cell
        self.comm_id_there = str(content["comm_id"])
        super().__init__(
            target_name=str(content.get("target_name", "comm")),
            target_module=content.get("target_module"),
            data=relay.ids.to_notebook(process, content.get("data") or {}),
            metadata=message.metadata,
            buffers=message.buffers,
            comm_id=comm_id,
        )

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        content = {"comm_id": self.comm_id, "data": data or {}, **keys}
        self.relay.notebook.send(
            msg_type, content, self.parent, metadata=metadata or {}, buffers=buffers or (), topic=self.topic
        )

    def handle_msg(self, msg: dict[str, Any]) -> None:
        self.relay.touched(self, msg, "comm_msg")

    def handle_close(self, msg: dict[str, Any]) -> None:
        self.relay.touched(self, msg, "comm_close")
        self.relay.forget(self)


class Relay:
    """Hands on what the widgets of a client's engines say, and what is said to them."""

    def __init__(self, client: Client, notebook: Notebook) -> None:
        self.notebook = notebook
        self._client, self._session = client, client._session
        self.ids = self._session.comms.ids
        self._ends: dict[tuple[object, str], NearEnd] = {}
        self._lines: dict[object, Line] = {}
        self._answers: dict[str, Parent] = {}
        """By the task in which an engine hears of something: the cell that what comes of it belongs to."""
        self._told: set[object] = set()

    def hear(self, message: CommMessage) -> None:
        """Take a message from an engine."""
        content, process = message.content, self._process(message)
        id_ = str(content.get("comm_id"))
        cell = self._answers.get(message.msg_id) or self.notebook.parent
        if message.msg_type == "comm_open":
            self._open(message, process, id_, cell)
            return
        near = self._find(process, id_)
        if near is None:
            return
        near.parent = cell
        data = self.ids.to_notebook(process, content.get("data") or {})
        if message.msg_type == "comm_msg":
            near.send(data, message.metadata, message.buffers)
        else:
            self.forget(near)
            near.close(data, message.metadata, message.buffers)

    def touched(self, near: NearEnd, msg: dict[str, Any], msg_type: str) -> None:
        """Take a message from the notebook."""
        if self._is_dead(near):
            self._tell_of_end(near)
            return
        process = self._process(near)
        line = self._lines.get(process)
        if line is None:
            line = self._lines[process] = Line(self._send, self._ended)
        data = self.ids.to_engine(process, msg["content"].get("data") or {})
        buffers = tuple(msg.get("buffers") or ())
        if not line.put(Said(near, near.comm_id_there, msg_type, data, msg.get("metadata") or {}, buffers)):
            words = f"engine {near.source.engine} is busy: some of what you did to its widgets was dropped.\n"
            self._tell((process, "busy"), words, near)

    def forget(self, near: NearEnd) -> None:
        """A comm has been closed."""
        self._ends.pop((near.process, near.comm_id_there), None)
        self.ids.forget(near.process, near.comm_id_there)

    def leave(self) -> None:
        """Have the engines forget their ends: the client is about to be closed."""
        ends: dict[int, list[str]] = {}
        for near in list(self._ends.values()):
            if not self._is_dead(near):
                ends.setdefault(near.source.engine, []).append(near.comm_id_there)
        for engine, ids in ends.items():
            if engine >= 0:
                self._client.direct_view(engine)._send_comm("comm_close", {"comm_ids": ids, "data": {}})

    def _open(self, message: CommMessage, process: object, id_: str, cell: Parent) -> None:
        import comm

        before = self._find(process, id_)
        if before is not None:  # the task has started again
            self.forget(before)
            before.close()
        taken = comm.get_comm_manager().comms
        self._ends[process, id_] = NearEnd(self, message, self.ids.take(process, id_, taken), process, cell)

    def _find(self, process: object, id_: str) -> NearEnd | None:
        near = self._ends.get((process, id_))
        if near is None and (near := self._ends.pop((-1, id_), None)) is not None:
            near.process = process  # which was not known when it was opened
            self._ends[process, id_] = near
        return near

    def _process(self, message: CommMessage | NearEnd) -> object:
        """Return the engine process that a task has run in; -1: that is not known yet."""
        task = message.source if isinstance(message, NearEnd) else message.task
        return task.instance or self._session.engines.instance(task.engine) or -1

    def _is_dead(self, near: NearEnd) -> bool:
        if self._session.closed:
            return True
        engine = self._session.engines.get(near.source.engine)
        return near.source.engine >= 0 and (engine is None or engine.instance != self._process(near))

    def _send(self, said: Said) -> AsyncResult[Any]:
        content = {"comm_id": said.comm_id, "data": said.data}
        view = self._client.direct_view(said.to.source.engine)
        result = view._send_comm(said.msg_type, content, said.metadata, said.buffers)
        self._answers[result.msg_ids[0]] = said.to.cell
        return result

    def _ended(self, said: Said, result: AsyncResult[Any] | None) -> None:
        """Show what an engine has printed and displayed when it heard of something, and what went wrong there."""
        near = said.to
        if result is None:
            self._tell_of_end(near)
            return
        self._answers.pop(result.msg_ids[0], None)
        error = result.exception()
        if isinstance(error, EngineError) and not isinstance(error, RemoteError):
            self._tell_of_end(near)
            return
        write = partial(self.notebook.write, parent=near.cell)
        write("stdout", result.stdout)
        write("stderr", result.stderr)
        for shown in result.outputs:
            content = self.ids.display(near.process, {name: shown[name] for name in ("data", "metadata", "transient")})
            self.notebook.send("display_data", content, near.cell)
        if error is not None:
            text = getattr(error, "traceback", None) or f"{type(error).__name__}: {error}"
            write("stderr", f"In a widget of engine {near.source.engine}:\n{str(text).rstrip()}\n")

    def _tell_of_end(self, near: NearEnd) -> None:
        """Close a comm whose engine is gone, and say so, once for each engine."""
        process = self._process(near)
        engine = near.source.engine
        if self._session.closed:
            words = "the client is closed: widgets of its engines no longer respond.\n"
            process = "client"
        else:
            causes = [gone.cause for gone in self._session.engines.departures if gone.instance == process]
            why = f" ({causes[-1]})" if causes else ""
            words = f"engine {engine} has ended{why}: its widgets no longer respond. Run their cells again.\n"
        self._tell(process, words, near)
        self.forget(near)
        near.parent = near.cell
        near.close()

    def _tell(self, what: object, words: str, near: NearEnd) -> None:
        if what not in self._told:
            self._told.add(what)
            self.notebook.write("stderr", words, near.cell)
