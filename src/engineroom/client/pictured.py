"""How a Client shows itself: in a line, and as a table of its engines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session

_MOST_ROWS = 16
"""So many engines are listed on a terminal."""


class Pictured:
    """The part of a Client that people see. A line has what the client knows; a table waits for 0.3 s at most."""

    if TYPE_CHECKING:
        profile: str
        _connection_file: Path | None
        _session: Session

        def __len__(self) -> int: ...

    def __repr__(self) -> str:
        session = self._session
        if session.closed:
            return "<Client: closed>"
        from engineroom.client.engines.pictured import hosts  # for those who look

        of = f" of profile {self.profile!r}" if self._connection_file is None else f" of {self._connection_file}"
        count, unfinished = len(self), len(session.tasks)
        tasks = f"{unfinished} unfinished task{'' if unfinished == 1 else 's'}"
        return f"<Client: {count} engine{'' if count == 1 else 's'}{hosts(session)}{of}, {tasks}>"

    def _repr_html_(self) -> str:
        from engineroom.client.engines.pictured import HEADS, rows_of  # as above
        from engineroom.client.pictures.tables import table

        rows, note = rows_of(self._session)
        return table(repr(self), HEADS, rows, note=note)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 (as IPython calls it)
        """Show the engines below the line, on a terminal."""
        del cycle
        from engineroom.client.engines.pictured import as_text, rows_of  # as above

        rows, note = rows_of(self._session)
        lines = as_text(rows[:_MOST_ROWS]).splitlines() if rows else []
        more = [f"and {len(rows) - _MOST_ROWS} more"] if len(rows) > _MOST_ROWS else []
        printer.text("\n".join([repr(self), *lines, *more, *([note] if note else [])]))
