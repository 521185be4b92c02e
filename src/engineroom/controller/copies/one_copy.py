"""Who of the engines of one machine receives a payload, who waits for it, and what each is to be told: a table."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from engineroom.protocol.messages import Part

Member = Hashable
"""An engine that needs the payload, and the stream by which it would come."""


class Place(NamedTuple):
    """Where a payload lies in the memory of a machine: file `descriptor` of process `pid`."""

    pid: int
    descriptor: int
    device: int
    inode: int


class Tell(NamedTuple):
    """Tell `member` where the payload lies."""

    member: Member
    place: Place


class Carry(NamedTuple):
    """Have `member` receive the payload for those that wait."""

    member: Member


class Release(NamedTuple):
    """Tell `member`, which has received the payload, that no other needs its memory any more."""

    member: Member
    spoiled: bool


Action = Tell | Carry | Release


class OneCopy:
    """A payload and the engines of one machine that need it, of which one, the carrier, receives it.

    `missing`: how many more are to come. Every change returns what is to be said.
    """

    def __init__(self, expected: int) -> None:
        self.missing = expected
        self.carrier: Member | None = None
        self._place: Place | None = None
        self._waiting: dict[Member, None] = {}
        self._told: dict[Member, None] = {}
        self._spoiled = False

    @property
    def is_awaited(self) -> bool:
        """Whether there are engines that wait for the carrier."""
        return bool(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether the carrier keeps the payload for those alone that are to come."""
        return self._place is not None and not self._told

    def join(self, member: Member) -> tuple[Part, list[Action]]:
        """Note that `member` needs it; return its part as well."""
        self.missing -= 1
        if self.carrier is None:
            self.carrier = member
            return Part.CARRY, []
        if self._place is None:
            self._waiting[member] = None
            return Part.WAIT, []
        self._told[member] = None
        return Part.WAIT, [Tell(member, self._place)]

    def placed(self, member: Member, place: Place) -> list[Action]:
        """Note that `member` has all of it, there."""
        if member != self.carrier:
            return [Release(member, spoiled=False)]  # another one was asked meanwhile
        self._place = place
        told, self._waiting = self._waiting, {}
        self._told |= told
        return [*(Tell(each, place) for each in told), *self._release_if_over()]

    def leave(self, member: Member, *, spoiled: bool = False) -> list[Action]:
        """Note that `member` has no part in it any more: it has returned it, can't have it, wants a stream, is gone.

        `spoiled`: there may still be mappings of it.
        """
        if member == self.carrier:
            return self._next_carries()
        self._waiting.pop(member, None)
        if member in self._told:
            del self._told[member]
            self._spoiled = self._spoiled or spoiled
        return self._release_if_over()

    def pass_on(self) -> list[Action]:
        """Have another carrier, because the present one gets nowhere."""
        return [] if self._place is not None else self._next_carries()

    def do_without(self) -> list[Action]:
        """Note that one of those that are missing takes a stream of its own."""
        self.missing -= 1
        return self._release_if_over()

    def expect_no_more(self) -> list[Action]:
        """Note that those that are missing may never come; if they do, it is carried once more."""
        self.missing = 0
        return self._release_if_over()

    def _next_carries(self) -> list[Action]:
        # Those that were told where it lies have it, or will not find it, and then they take it as a stream.
        self._forget_place()
        self.carrier = next(iter(self._waiting), None)
        if self.carrier is None:
            return []
        del self._waiting[self.carrier]
        return [Carry(self.carrier)]

    def _release_if_over(self) -> list[Action]:
        if not self.is_idle or self.missing > 0:
            return []
        over: list[Action] = [Release(self.carrier, self._spoiled)]
        self.carrier = None
        self._forget_place()
        return over

    def _forget_place(self) -> None:
        self._place, self._spoiled = None, False
        self._told.clear()


class Spread:
    """Noted at a payload that several engines need. `to`: their instances, b"": any of them may."""

    __slots__ = ("copies", "to")

    def __init__(self, to: bytes = b"") -> None:
        self.to = to
        self.copies: dict[object, OneCopy] = {}
        """By machine."""
