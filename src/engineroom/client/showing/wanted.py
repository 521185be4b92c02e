"""Whether output is shown without being asked for when results are read: `rc.show_output`. Imported by every client."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from engineroom.client.arguments.switches import switch
from engineroom.client.progress.audience import in_notebook, silenced

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task


class Shows(IntEnum):
    """What a client shows of its tasks when their results are read."""

    NOTHING = 0
    THAT_THERE_IS_SOME = 1
    """Of maps, that there is output."""
    CELLS = 2
    """The same, and what cells write: as notebooks have it."""
    ALL = 3


def shows(show_output: object) -> Shows:
    """Return what `rc.show_output` means in this process; None: what fits."""
    if show_output is not None:
        return Shows.ALL if switch("show_output", show_output) else Shows.NOTHING
    if in_notebook():
        return Shows.CELLS
    return Shows.NOTHING if silenced() else Shows.THAT_THERE_IS_SOME


class Read(Protocol):
    """An AsyncResult, as far as its output goes."""

    _session: Session
    _tasks: list[Task]
    _code: str | None
    _is_map: bool
    _output: Any
    _output_kept: Any
    _output_seen: bool

    def done(self) -> bool: ...


def takes_output(result: Any) -> bool:
    """Return whether something is to be shown when `result` is read, and is not being shown."""
    if result._output_seen or result._output is not None:
        return False
    wanted = result._session.shows
    return wanted is Shows.ALL or (wanted is Shows.CELLS and result._code is not None) or result._is_map
