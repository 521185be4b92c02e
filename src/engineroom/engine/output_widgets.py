"""Output widgets on engines: what is printed and displayed `with out:` goes into the widget `out`.

In a notebook of its own, ipywidgets has the notebook put it there, by the id of the message that runs. An engine's
output has no such message, so it is collected here. Imported when a task imports ipywidgets.
"""

from __future__ import annotations

import functools
import io
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from engineroom.protocol.messages import Displays
from engineroom.protocol.outputs import updated

if TYPE_CHECKING:
    from engineroom.engine.publisher import Show

MOST = 256 * 1024
"""Characters that a widget holds of what was printed and displayed: each change sends all of it."""

_EVERY = 0.1
"""Seconds between two changes of a widget while it is printed to."""

_CUT = "[... output was cut here ...]\n"


def capture_outputs(module: Any) -> None:
    """Have the class Output of `module`, `ipywidgets.widgets.widget_output`, capture what is output here."""
    widget = module.Output
    enter, leave = widget.__enter__, widget.__exit__

    @functools.wraps(enter)
    def __enter__(self: Any) -> Any:  # noqa: N807 (it takes that one's place)
        entered = enter(self)
        captures = self.__dict__.setdefault("_engineroom_captures", [])
        captures.append(Capture(self, getattr(module.get_ipython(), "display_pub", None)))
        return entered

    @functools.wraps(leave)
    def __exit__(self: Any, *error: Any) -> Any:  # noqa: N807 (the same)
        captures = self.__dict__.get("_engineroom_captures")
        try:
            return leave(self, *error)  # which prints the error
        finally:
            if captures:
                captures.pop().end()

    widget.__enter__, widget.__exit__ = __enter__, __exit__


class Capture:
    """Captures what is printed and displayed from now on into `widget`, until `end` is called."""

    def __init__(self, widget: Any, publisher: Any) -> None:
        self._widget, self._publisher = widget, publisher
        self._outputs: list[dict[str, Any]] = list(widget.outputs)
        self._clear, self._changed, self._sent = False, False, 0.0
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream("stdout", self), _Stream("stderr", self)
        self._show: Show | None = getattr(publisher, "show", None)
        if self._show is not None:
            publisher.show = self.show

    def end(self) -> None:
        """Have output go where it went before."""
        sys.stdout, sys.stderr = self._streams
        if self._show is not None:
            self._publisher.show = self._show
        self._send()

    def write(self, name: str, text: str) -> None:
        """Take printed text."""
        self._clear_now()
        last = self._outputs[-1] if self._outputs else {}
        if last.get("output_type") == "stream" and last.get("name") == name:
            self._outputs[-1] = last | {"text": last["text"] + text}
        else:
            self._outputs.append({"output_type": "stream", "name": name, "text": text})
        self._changed = True
        if time.monotonic() - self._sent > _EVERY:
            self._send()

    def show(self, kind: Displays, content: bytes, plain: str) -> None:
        """Take what is displayed."""
        del plain
        said = json.loads(content)
        if kind is Displays.CLEAR:
            self._clear = True
            if not said["wait"]:
                self._clear_now()
        elif kind is Displays.UPDATE:
            self._update(said)
        else:
            self._clear_now()
            self._outputs.append({"output_type": "display_data", **said})
        self._changed = True
        self._send()

    def _update(self, said: dict[str, Any]) -> None:
        self._outputs = [updated(each, said) or each for each in self._outputs]

    def _clear_now(self) -> None:
        if self._clear:
            self._clear, self._changed, self._outputs = False, True, []

    def _send(self) -> None:
        if self._changed:
            self._changed, self._sent = False, time.monotonic()
            self._outputs = _bounded(self._outputs)
            self._widget.outputs = tuple(self._outputs)


class _Stream(io.TextIOBase):
    """Stands for sys.stdout or sys.stderr."""

    encoding = "utf-8"

    def __init__(self, name: str, capture: Capture) -> None:
        self._name, self._capture = name, capture

    def write(self, text: str, /) -> int:
        if text:
            self._capture.write(self._name, text)
        return len(text)

    def writable(self) -> bool:
        return True


def _bounded(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what came first, if it is too much."""
    left, kept = MOST, []
    for output in reversed(outputs):
        text = output.get("text")
        size = len(text) if text is not None else len(json.dumps(output["data"]))
        if size > left:
            rest = text[-left:] if text is not None and left > 0 else ""
            words = _CUT + rest.removeprefix(_CUT)
            kept.append({"output_type": "stream", "name": output.get("name", "stdout"), "text": words})
            break
        left -= size
        kept.append(output)
    return kept[::-1]
