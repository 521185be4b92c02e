"""What is over of the values that engines hold when they come back."""

from __future__ import annotations

from engineroom.core.published import PublishedValues

ONE, TWO = b"one", b"two"


def test_what_was_released_while_an_engine_was_away_is_over_when_it_is_back() -> None:
    values = PublishedValues()
    values.published(b"a", ONE)
    values.published(b"b", ONE)
    values.published(b"b", TWO)
    assert values.released(b"a", ONE)
    assert not values.released(b"b", ONE)
    assert values.held([b"a", b"b"], known=True) == [b"a"]
    values.published(b"a", TWO)  # the same content once more
    assert values.held([b"a", b"b"], known=True) == []


def test_what_an_engine_has_of_an_earlier_controller_waits_for_its_client() -> None:
    values = PublishedValues()
    assert values.held([b"a", b"b", b"c"], known=False) == []
    assert values.held([b"a", b"b", b"c"], known=True) == [], "by now it has spoken to us, and they may still be needed"
    values.published(b"a", ONE)
    assert values.released(b"c", TWO)
    assert values.held([b"c"], known=True) == [b"c"]
    assert values.nobody_returns() == [b"b"]
    assert values.nobody_returns() == []
    assert b"a" in values
    assert values.held([b"b"], known=True) == [b"b"]


def test_what_waits_for_its_client_is_bounded() -> None:
    values = PublishedValues(most=3)
    for number in range(10):
        assert values.held([b"%d" % number, b"%d more" % number], known=False) == []
    assert len(values.unclaimed) == 3


def test_nothing_is_over_if_not_all_is_known() -> None:
    values = PublishedValues(most=2)
    for digest in (b"a", b"b", b"c"):
        values.published(digest, ONE)
    assert values.of(ONE) == [b"b", b"c"]
    assert values.held([b"a", b"d"], known=True) == []
    values.held([b"e"], known=False)
    assert values.nobody_returns() == []
    assert values.released(b"a", ONE)
