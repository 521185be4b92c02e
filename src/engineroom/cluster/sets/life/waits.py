"""What requests about engines of a spawner wait for."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engineroom.cluster.sets.hosted import HostedEngine, Life
from engineroom.ids import Instance


class Gathering(msgspec.Struct):
    """Waits until each of `engines` has registered or ended, until `deadline`.

    `before`: they are to have other instances than these first, until `renewed_by`; and then may take `seconds`.
    """

    request: int
    engines: tuple[HostedEngine, ...]
    deadline: float
    before: Mapping[int, Instance] | None = None
    seconds: float = 0.0

    def renew(self, now: float) -> None:
        """Wait for them to register, if their next lives have begun, or will not any more."""
        before = self.before
        if before is not None and (
            now >= self.deadline
            or all(each.instance != before[each.key] or each.life is Life.OVER for each in self.engines)
        ):
            self.before, self.deadline = None, now + self.seconds

    def over(self, now: float) -> bool:
        """Whether it is of no use to wait any longer."""
        return self.before is None and (now >= self.deadline or all(each.ready or each.failed for each in self.engines))

    def missing(self) -> tuple[HostedEngine, ...]:
        """Return those that have not registered, and that nobody has stopped."""
        return tuple(each for each in self.engines if not each.ready and not each.shut_down)


class Leaving(msgspec.Struct):
    """Waits until `engines` have ended, until `deadline`."""

    request: int
    engines: tuple[HostedEngine, ...]
    deadline: float

    def over(self, now: float) -> bool:
        """Whether it is of no use to wait any longer."""
        return now >= self.deadline or all(each.life is Life.OVER for each in self.engines)
