"""What `display`, `update_display` and `clear_output` do in a cell. Imported when the first cell runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from IPython.core.displaypub import DisplayPublisher

from engineroom.engine.displays import encoded
from engineroom.protocol.messages import Displays
from engineroom.protocol.ranges import MOST_DISPLAY

Show = Callable[[Displays, bytes, str], object]
"""Takes what a display does, its content, and it as plain text."""


class Publisher(DisplayPublisher):
    """Sends what a task displays to its client. `show`: takes it; None: it is printed, as plain text."""

    show: Show | None = None
    most: int = MOST_DISPLAY
    """Bytes that one object may take."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]  # all of IPython is
        self._process = os.getpid()

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: object = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **options: Any,
    ) -> None:
        """Display an object, given by its MIME types; `update`: in place of those with the same display id."""
        self._validate_data(data, metadata)  # type: ignore[no-untyped-call]
        plain = str(data.get("text/plain", ""))
        if self.show is None or os.getpid() != self._process:  # nobody takes what a forked child keeps
            if plain:
                print(plain)
            return
        kind = Displays.UPDATE if update else Displays.SHOW
        content = encoded(data, metadata or {}, transient or {}, most=self.most)
        self.show(kind, content, plain + "\n" if plain else "")

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 (as IPython has it)
        """Take away what the task has displayed and printed; if `wait`, once something else comes."""
        if self.show is not None and os.getpid() == self._process:
            self.show(Displays.CLEAR, b'{"wait":true}' if wait else b'{"wait":false}', "")
