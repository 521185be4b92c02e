"""How long a carrier may get nowhere before another engine takes its place: looks at how far it is, and no clock."""

from __future__ import annotations

from typing import NamedTuple

from engineroom.protocol.streams import Progress


class Patience(NamedTuple):
    """Seconds. `to_answer`: within which an engine says that it takes a payload, if nothing else is on its way there,
    and within which it reads what its machine has received; `to_go_on`: without a byte sent, for a network may be slow;
    `look`: between looks."""

    to_answer: float = 1.0
    to_go_on: float = 10.0
    look: float = 0.5

    def more(self) -> Patience:
        """Return the patience with the next carrier."""
        return Patience(2 * self.to_answer, 2 * self.to_go_on, self.look)


class Watch:
    """Looks at one carrier. `progress`: of its stream; None: all has been sent, or nothing is wanted."""

    def __init__(self, patience: Patience, progress: Progress | None, now: float) -> None:
        self.patience = patience
        self._last, self._since = progress, now
        self._unread_since: float | None = None

    def gets_nowhere(self, progress: Progress | None, now: float, *, received: bool = False) -> bool:
        """Note how far it is; return whether it has been there for too long.

        `received`: all that was sent is on its machine, so that the network is not what it waits for.
        """
        if progress != self._last or (progress is not None and progress.is_up_to_date):
            self._last, self._since, self._unread_since = progress, now, None
        if not received:
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        unanswered = progress is not None and not progress.wanted and progress.alone
        if now - self._since >= (self.patience.to_answer if unanswered else self.patience.to_go_on):
            return True
        return self._unread_since is not None and now - self._unread_since >= self.patience.to_answer
