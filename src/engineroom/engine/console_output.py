"""What a console's cell writes and displays on an engine, as messages of a Jupyter kernel."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from typing import Any

from engineroom.protocol.messages import COMMS, Displays

_SOON = 0.05
"""Seconds for which text waits for more."""

_TYPES = {
    Displays.SHOW: "display_data",
    Displays.UPDATE: "update_display_data",
    Displays.CLEAR: "clear_output",
    Displays.RESULT: "execute_result",
    Displays.ERROR: "error",
}


class ConsoleOutput:
    """Sends output to whoever listens to `kernel`, as what comes of the request `parent`."""

    def __init__(self, kernel: Any, parent: Any, loop: asyncio.AbstractEventLoop) -> None:
        """`loop`: of the thread that serves the kernel."""
        self._kernel, self._parent, self._loop = kernel, parent, loop
        self._lock = threading.RLock()  # a signal handler may print
        self._text: list[tuple[int, str]] = []

    def write(self, stream: int, text: str) -> bool:
        """Take printed text."""
        with self._lock:
            first = not self._text
            self._text.append((stream, text))
        if first:
            self._loop.call_soon_threadsafe(self._loop.call_later, _SOON, self.flush)
        return True

    def flush(self) -> None:
        """Send the text that waits."""
        with self._lock:
            waiting, self._text = self._text, []
            runs: list[tuple[int, list[str]]] = []
            for stream, text in waiting:
                if not runs or runs[-1][0] != stream:
                    runs.append((stream, []))
                runs[-1][1].append(text)
            for stream, texts in runs:
                self._send("stream", {"name": "stderr" if stream == 2 else "stdout", "text": "".join(texts)})

    def show(self, kind: Displays, content: bytes) -> bool:
        """Take what is displayed, or said over comms."""
        said = json.loads(content)
        with self._lock:
            self.flush()
            if kind in COMMS:
                metadata = said.pop("metadata", {})
                buffers = [base64.b64decode(part) for part in said.pop("buffers", ())]
                self._send(kind.name.lower(), said, metadata, buffers)
            elif kind in _TYPES:
                self._send(_TYPES[kind], said)
        return True

    def publish(self, items: Any) -> bool:
        """Drop values that are published for clients."""
        del items
        return True

    def _send(self, msg_type: str, content: dict[str, Any], metadata: Any = None, buffers: Any = None) -> None:
        kernel = self._kernel
        kernel.session.send(
            kernel.iopub_socket,
            msg_type,
            content,
            metadata=metadata,
            parent=self._parent,
            ident=kernel._topic(msg_type),
            buffers=buffers,
        )
