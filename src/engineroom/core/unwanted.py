"""What is to be withdrawn, in portions."""

from __future__ import annotations

from engineroom.core.sessions import Session
from engineroom.protocol.messages import Outcome


class Withdrawal:
    """Tasks of one session that are to be withdrawn, the last ones first.

    In that order, because the first ones run: interrupted sooner, they would make room for others that nobody wants.
    `again`: this may have been done before.
    """

    __slots__ = ("_numbers", "again", "force", "interrupt", "outcome", "session")

    def __init__(
        self,
        session: Session,
        numbers: list[int],
        outcome: Outcome,
        *,
        interrupt: bool,
        force: bool = False,
        again: bool = False,
    ) -> None:
        self.session, self.outcome, self.interrupt, self.force = session, outcome, interrupt, force
        self.again = again
        self._numbers = sorted(numbers)

    def take(self, most: int) -> list[int]:
        """Return the numbers of the next `most` tasks."""
        taken = self._numbers[-most:]
        del self._numbers[-most:]
        return taken

    @property
    def over(self) -> bool:
        return not self._numbers
