"""The progress of one thing, shown in the way that fits where the user is."""

from __future__ import annotations

import logging
import sys
from typing import Protocol

from engineroom.client.progress.audience import in_notebook, shell, silenced
from engineroom.client.progress.standing import Standing
from engineroom.machine.standard_streams import moves
from engineroom.serialize.loading import loaded

log = logging.getLogger(__name__)


class Display(Protocol):
    """One of the ways to show progress. `lasting`: its end stays to be seen."""

    lasting: bool

    def show(self, standing: Standing) -> None:
        """Show this in place of what was shown before."""

    def clear(self) -> None:
        """Take away what is in the way of others; it may be shown again."""

    def end(self, standing: Standing) -> None:
        """Show this last."""


class Shown:
    """Shows the progress of one thing: `show` it as often as it changes, then `end`.

    `lasting`: somebody asked for it, so its last state stays to be seen. `widget`: as in a notebook (True) or as text
    (False); None: as fits. Nothing is shown if IPP_NONINTERACTIVE is set. A display that fails is given up.
    """

    def __init__(self, *, lasting: bool = False, widget: object = None) -> None:
        self.lasting, self._widget = lasting, widget
        self._display: Display | None = None
        self._given_up = silenced()

    def show(self, standing: Standing) -> None:
        if self._given_up:
            return
        try:
            if self._display is None:
                self._display = display_here(lasting=self.lasting, widget=self._widget)
            self._display.show(standing)
        except Exception as error:  # noqa: BLE001 (a front end may fail in any way; the wait goes on)
            self._give_up(error)

    def clear(self) -> None:
        """Take it out of the way of what is printed next."""
        if self._display is not None and not self._given_up:
            self._display.clear()

    def end(self, standing: Standing, *, comes_again: bool = False) -> None:
        """Show the end, if anything was shown. `comes_again`: this was not the last of it, so that nothing stays."""
        if self._display is None or self._given_up:
            return
        try:
            self._display.lasting = self.lasting and not comes_again
            self._display.end(standing._replace(over=True))
        except Exception as error:  # noqa: BLE001 (a front end may fail in any way; the wait goes on)
            self._give_up(error)
        self._display = None

    def _give_up(self, error: Exception) -> None:
        self._given_up = True
        log.warning("the progress cannot be shown", exc_info=error)


def display_here(*, lasting: bool, widget: object = None) -> Display:
    """Return a display that fits where the user is; `widget`: see `Shown`."""
    # Each is imported where it is needed: rich takes longer than everything else that a client imports.
    display: Display
    if (widget and shell() is not None) or (widget is None and in_notebook()):
        display = loaded("engineroom.client.progress.notebook").Notebook(lasting=lasting)
    elif moves(sys.stderr):
        display = loaded("engineroom.client.progress.terminal").Terminal(sys.stderr, lasting=lasting)
    else:
        display = loaded("engineroom.client.progress.lines").Lines(sys.stderr, lasting=lasting)
    return display
