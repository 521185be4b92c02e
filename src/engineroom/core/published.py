"""Published values: who has published what, and what engines hold of it that nobody needs any more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

_MOST = 10_000
"""So many are known; engines keep others until they end."""


class PublishedValues:
    """By hash: the sessions that have published a value and not released it.

    An engine that was away says what it holds. What this controller does not know is over, if the engine had spoken to
    it before; else it is `unclaimed`: a client of an earlier controller may come back and need it.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._publishers: OrderedDict[bytes, set[bytes]] = OrderedDict()
        self._all_known = True
        self.unclaimed: dict[bytes, None] = {}

    def __contains__(self, digest: object) -> bool:
        return digest in self._publishers

    def published(self, digest: bytes, session: bytes) -> None:
        """`session` has published this value."""
        self.unclaimed.pop(digest, None)
        self._publishers.setdefault(digest, set()).add(session)
        if len(self._publishers) > self._most:
            self._publishers.popitem(last=False)
            self._all_known = False

    def of(self, session: bytes) -> list[bytes]:
        """Return what `session` has published and not released."""
        return [digest for digest, whose in self._publishers.items() if session in whose]

    def released(self, digest: bytes, session: bytes) -> bool:
        """`session` has released this value; return whether it is over: nobody else has published it."""
        whose = self._publishers.get(digest, set())
        whose.discard(session)
        if whose:
            return False
        self._publishers.pop(digest, None)
        self.unclaimed.pop(digest, None)
        return True

    def held(self, digests: Iterable[bytes], *, known: bool) -> list[bytes]:
        """An engine has come back and holds these; `known`: it had spoken to this controller. Return what is over."""
        unknown = [digest for digest in digests if digest not in self._publishers]
        if not known:
            room = max(0, self._most - len(self.unclaimed))
            self.unclaimed.update(dict.fromkeys(unknown[:room]))
            return []
        if not self._all_known:
            return []
        return [digest for digest in unknown if digest not in self.unclaimed]

    def nobody_returns(self) -> list[bytes]:
        """Clients of earlier controllers are back, or stay away: return what nobody has claimed, once. It is over."""
        over, self.unclaimed = list(self.unclaimed), {}
        return over if self._all_known else []
