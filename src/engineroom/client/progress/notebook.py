"""Progress in a notebook: one display that is updated, and whose last state stays, also in the saved notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from engineroom.client.progress.audience import shell
from engineroom.client.progress.standing import Standing

_TRACK = "display:inline-block;width:200px;height:0.7em;background-color:#8884;border-radius:3px;overflow:hidden"
_DONE, _FAILED, _GOES_ON = "#2a9d4a", "#d62728", "#3b82f6"

_spare: dict[object, Any] = {}
"""The display of the last wait in the cell that runs, by that cell, if its end need not stay: the next wait there uses
it again, or a loop with a hundred waits would leave a hundred bars."""


class Notebook:
    """Shows progress below the cell that runs."""

    def __init__(self, *, lasting: bool, cell: object = None) -> None:
        """`lasting`: the end stays, whatever comes later in this cell. `cell`: which one it is; None: that which runs
        now."""
        self.lasting = lasting
        self._cell = _cell() if cell is None else cell
        self._handle = _spare.pop(self._cell, None)
        self._shown: dict[str, str] = {}

    def show(self, standing: Standing) -> None:
        # It is there in every kernel, and nowhere else is this imported.
        from IPython.display import display

        bundle = {"text/plain": str(standing), "text/html": as_html(standing)}
        if bundle == self._shown:
            return
        self._shown = bundle
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)

    def clear(self) -> None:
        """Nothing is in the way of others."""

    def end(self, standing: Standing) -> None:
        self.show(standing)
        if not self.lasting:
            _spare.clear()
            _spare[self._cell] = self._handle


def as_html(standing: Standing) -> str:
    """Return `standing` as HTML: `div`s with inline styles only, which untrusted notebooks show, too."""
    counts = standing.counts
    name = escape(standing.name)
    words = f"<div style='color:#888;font-size:smaller'>{escape(standing.words)}</div>" if standing.words else ""
    if standing.lone:
        return f"<div>{name} &nbsp;{escape(standing.times)}{words}</div>"
    part = 100 * counts.done / counts.total
    colour = _FAILED if counts.failed else _DONE if counts.done >= counts.total else _GOES_ON
    bar = f"<div style='{_TRACK}'><div style='width:{part:.1f}%;height:100%;background-color:{colour}'></div></div>"
    return f"<div>{name} {bar} {escape(standing.amount)} &nbsp;{escape(standing.times)}{words}</div>"


def _cell() -> object:
    """Return what is the same as long as one cell runs."""
    here = shell()
    kernel = getattr(here, "kernel", None)
    try:
        return kernel.get_parent()["header"]["msg_id"]  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError):
        return getattr(here, "execution_count", None)
