"""What is sent to a notebook beside what the cell that runs prints: messages of widgets, and late output of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Parent = Any
"""A message of the notebook's, which what comes of it belongs to: of the cell that runs, say."""


class Notebook:
    """The notebook of an ipykernel; usable from any thread."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    @property
    def parent(self) -> Parent:
        """The cell that runs, or ran last."""
        return self._kernel.get_parent()

    def send(
        self,
        msg_type: str,
        content: dict[str, Any],
        parent: Parent,
        *,
        metadata: dict[str, Any] | None = None,
        buffers: Sequence[Any] = (),
        topic: bytes | None = None,
    ) -> None:
        """Send a message that belongs to `parent`."""
        self._kernel.session.send(
            self._kernel.iopub_socket,
            msg_type,
            content,
            metadata=metadata,
            parent=parent,
            ident=topic or msg_type.encode(),
            buffers=list(buffers),
        )

    def write(self, name: str, text: str, parent: Parent) -> None:
        """Print `text` as output of the cell `parent`. `name`: "stdout" or "stderr"."""
        if text:
            self.send("stream", {"name": name, "text": text}, parent)
