"""What an `execute` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class ExecuteReply:
    """The value of a cell's last expression, as a notebook shows it.

    `data`: MIME type to representation, empty if the cell has no value; `source`: the cell's code.
    """

    execution_count: int
    source: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The value as plain text; "" if there is none."""
        return str(self.data.get("text/plain", ""))

    def __repr__(self) -> str:
        text = self.text
        if len(text) > 500:
            text = f"{text[:497]}..."
        return f"<ExecuteReply[{self.execution_count}]: {text}>" if text else f"<ExecuteReply[{self.execution_count}]>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let a notebook show the value itself."""
        del include, exclude  # IPython filters
        return self.data or {"text/plain": repr(self)}, self.metadata
