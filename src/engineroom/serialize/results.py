"""What an `execute` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

_PLAIN = "text/plain"
_KEYS = ("execution_count", "source", "data", "metadata", "text", "execute_result", "pyout", "engine_id")


@dataclass(slots=True)
class ExecuteReply:
    """The value of a cell's last expression, as a notebook shows it.

    `data`: MIME type to representation, empty if the cell has no value; `source`: the cell's code; `engine_id`: where
    it ran, None before it has come to the client. `stdout`, `stderr` and `outputs`: what it printed and displayed;
    `engine_uuid`, `submitted`, `started`, `completed`, `received`, `status`: see the metadata of an AsyncResult;
    `metadata`: a dict of all these. That of the value itself is in `execute_result`.
    """

    execution_count: int
    source: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    value_metadata: dict[str, Any] = field(default_factory=dict)
    engine_id: int | None = field(default=None, compare=False)
    told: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What its client knows of the task: what it printed and displayed, when and where it ran."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            told = {} if name == "told" or name.startswith("_") else self.told
            if name not in told:
                names = "" if not told else f": it has {', '.join((*_KEYS, *told))}"
                raise AttributeError(f"an ExecuteReply has no attribute {name!r}{names}")
            return told[name]

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self.told})

    def _names(self) -> list[str]:
        return [*_KEYS, *self.told]

    @property
    def text(self) -> str:
        """The value as plain text; "" if there is none."""
        return str(self.data.get(_PLAIN, ""))

    def display(self) -> None:
        """Show the value as IPython, or a notebook, shows it."""
        from IPython.display import display  # whoever calls this has it

        display(self)  # type: ignore[no-untyped-call]

    @property
    def metadata(self) -> dict[str, Any]:
        """What its client knows of the task, as in the metadata of an AsyncResult."""
        shown = self.execute_result if self.data else None
        return {"engine_id": self.engine_id, "execute_input": self.source, "execute_result": shown, **self.told}

    @property
    def execute_result(self) -> dict[str, Any]:
        """The value as a notebook's file has it: its `data`, its `metadata`, and the `execution_count`."""
        return {"data": self.data, "metadata": self.value_metadata, "execution_count": self.execution_count}

    pyout = execute_result

    def __getitem__(self, key: str) -> Any:
        """Return the attribute `key`, for code that takes it for a dict. KeyError: there is no such attribute."""
        if key not in self._names():
            raise KeyError(f"a reply has no {key!r}: it has {', '.join(self._names())}")
        return getattr(self, key)

    def __repr__(self) -> str:
        text = self.text
        if len(text) > 500:
            text = f"{text[:497]}..."
        return f"<ExecuteReply[{self._number}]: {text}>" if text else f"<ExecuteReply[{self._number}]>"

    @property
    def _number(self) -> str:
        return f"{self.execution_count}" if self.engine_id is None else f"{self.engine_id}:{self.execution_count}"

    @property
    def _labelled(self) -> str:
        """The value as plain text, after a prompt that says where it comes from."""
        text = self.text
        between = "\n" if "\n" in text else " "
        return f"Out[{self._number}]:{between}{text}" if text else repr(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 (as IPython calls it)
        """Let IPython show the value with its prompt, also within a list."""
        del cycle
        printer.text(self._labelled)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let a notebook show the value itself."""
        del include, exclude  # IPython filters
        return {**self.data, _PLAIN: self._labelled}, self.value_metadata
