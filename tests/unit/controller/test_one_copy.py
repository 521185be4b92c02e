"""One copy a machine: who carries a payload, who waits, who is told where it lies, and when its memory is let go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engineroom.controller.copies.one_copy import Carry, OneCopy, Place, Release, Tell
from engineroom.protocol.messages import Part

HERE, THERE = Place(10, 3, 1, 77), Place(11, 4, 1, 78)


def three() -> OneCopy:
    """Return a copy that `a` carries, for which `b` and `c` wait."""
    copy = OneCopy(3)
    assert [copy.join(each) for each in "abc"] == [(Part.CARRY, []), (Part.WAIT, []), (Part.WAIT, [])]
    return copy


def test_the_first_carries_and_the_others_are_told_where_it_lies() -> None:
    copy = three()
    assert copy.placed("a", HERE) == [Tell("b", HERE), Tell("c", HERE)]


def test_the_carrier_may_write_the_memory_again_when_all_have_returned_it() -> None:
    copy = three()
    copy.placed("a", HERE)
    assert copy.leave("b") == []
    assert copy.leave("c") == [Release("a", spoiled=False)]


def test_memory_that_may_still_be_mapped_is_spoiled() -> None:
    copy = three()
    copy.placed("a", HERE)
    copy.leave("b", spoiled=True)
    assert copy.leave("c") == [Release("a", spoiled=True)]


def test_a_late_neighbour_is_told_at_once() -> None:
    copy = OneCopy(3)
    copy.join("a")
    assert copy.placed("a", HERE) == []
    assert copy.join("b") == (Part.WAIT, [Tell("b", HERE)])
    assert copy.leave("b") == []  # another one is to come
    assert copy.is_idle
    assert copy.expect_no_more() == [Release("a", spoiled=False)]
    assert copy.join("c") == (Part.CARRY, [])


def test_when_the_carrier_dies_before_it_has_all_the_next_carries_and_the_others_wait_for_it() -> None:
    copy = three()
    assert copy.leave("a", spoiled=True) == [Carry("b")]
    assert copy.is_awaited
    assert copy.placed("b", THERE) == [Tell("c", THERE)]
    assert copy.leave("c") == [Release("b", spoiled=False)]


def test_when_the_carrier_dies_later_those_that_were_told_see_to_themselves() -> None:
    copy = three()
    copy.placed("a", HERE)
    assert copy.leave("a", spoiled=True) == []
    assert copy.join("d") == (Part.CARRY, [])
    assert copy.leave("b") == []
    assert copy.leave("c") == []
    assert copy.placed("d", THERE) == [Release("d", spoiled=False)]


def test_one_that_does_not_wait_any_more_is_not_told() -> None:
    copy = three()
    assert copy.leave("b") == []
    assert copy.placed("a", HERE) == [Tell("c", HERE)]


def test_a_carrier_whom_nobody_waits_for_keeps_nothing_for_others() -> None:
    copy = three()
    copy.leave("b")
    copy.leave("c")
    assert copy.placed("a", HERE) == [Release("a", spoiled=False)]


def test_a_carrier_that_gets_nowhere_is_replaced_and_what_it_has_later_is_let_go() -> None:
    copy = three()
    assert copy.pass_on() == [Carry("b")]
    assert copy.placed("a", HERE) == [Release("a", spoiled=False)]
    assert copy.placed("b", THERE) == [Tell("c", THERE)]
    assert copy.pass_on() == []


def test_who_takes_a_stream_of_its_own_is_not_waited_for() -> None:
    copy = OneCopy(3)
    copy.join("a")
    copy.join("b")
    copy.placed("a", HERE)
    assert copy.do_without() == []
    assert copy.leave("b") == [Release("a", spoiled=False)]


class Engines:
    """What four engines would do: each has the payload in the end, or is gone, or takes it alone."""

    def __init__(self) -> None:
        self.copy = OneCopy(4)
        self.carrying: set[str] = set()
        self.waiting: set[str] = set()
        self.mapping: set[str] = set()
        self.kept: set[str] = set()
        """Those whose memory others may map."""

    def hear(self, actions: list[Tell | Carry | Release]) -> None:
        for action in actions:
            match action:
                case Tell(member=str(member)):
                    self.waiting.remove(member)
                    self.mapping.add(member)
                case Carry(member=str(member)):
                    self.waiting.remove(member)
                    self.carrying.add(member)
                case Release(member=str(member)):
                    self.kept.discard(member)

    def act(self, what: str, who: str) -> None:
        copy = self.copy
        if what == "join" and not {who} & (self.carrying | self.waiting | self.mapping | self.kept):
            part, actions = copy.join(who)
            (self.carrying if part is Part.CARRY else self.waiting).add(who)
            self.hear(actions)
        elif what == "place" and who in self.carrying:
            self.carrying.remove(who)
            self.kept.add(who)
            self.hear(copy.placed(who, HERE))
        elif what == "leave":
            for each in (self.carrying, self.waiting, self.mapping, self.kept):
                each.discard(who)
            self.hear(copy.leave(who))
        elif what == "stall":
            self.hear(copy.pass_on())


@given(st.lists(st.tuples(st.sampled_from(["join", "place", "leave", "stall"]), st.sampled_from("abcd"))))
def test_nobody_waits_in_vain_and_nothing_is_kept_for_nobody(story: list[tuple[str, str]]) -> None:
    engines = Engines()
    for what, who in story:
        engines.act(what, who)
        assert not engines.waiting or engines.copy.carrier in engines.carrying
    for who in "abcd":
        engines.act("place", who)
    while engines.carrying:  # those that were asked to carry meanwhile
        engines.act("place", min(engines.carrying))
    for who in sorted(engines.mapping):
        engines.mapping.discard(who)
        engines.hear(engines.copy.leave(who))
    engines.hear(engines.copy.expect_no_more())
    assert not engines.waiting
    assert not engines.kept
