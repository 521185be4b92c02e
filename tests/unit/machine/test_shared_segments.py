"""The table of segments: what may be written again, and what must go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engineroom.machine.shared_memory.segments import Segment, SegmentTable


def nobody(_: Segment) -> bool:
    return False


def table(*capacities: int, limit: int = 100) -> tuple[SegmentTable, list[Segment]]:
    made = SegmentTable(limit, 10)
    segments = [Segment(capacity) for capacity in capacities]
    for segment in segments:
        made.add(segment)
    return made, segments


def test_a_segment_is_written_again_once_everybody_has_returned_it() -> None:
    segments, (one,) = table(10)
    segments.lend(one)
    segments.lend(one)
    segments.give_back(one, 1.0, spoiled=False)
    assert segments.find(10, nobody) is None

    segments.give_back(one, 2.0, spoiled=False)
    assert segments.find(10, nobody) is one


def test_a_segment_that_one_of_them_has_spoiled_is_never_written_again() -> None:
    segments, (one,) = table(10)
    segments.lend(one)
    segments.lend(one)
    segments.give_back(one, 1.0, spoiled=True)
    segments.give_back(one, 2.0, spoiled=False)
    assert segments.find(10, nobody) is None
    assert segments.sweep(0.0, nobody) == [one]
    assert segments.size == 0


def test_what_somebody_here_looks_at_is_neither_written_nor_dropped() -> None:
    segments, (one,) = table(10)
    assert segments.find(10, lambda _: True) is None
    assert segments.make_room(95, lambda _: True) is None
    assert segments.sweep(9.0, lambda _: True) == []
    assert segments.sweep(9.0, nobody) == [one]


def test_the_table_is_scarce_while_others_have_more_than_half_of_it() -> None:
    segments, (one, other) = table(30, 30)
    segments.lend(one)
    segments.lend(one)
    assert not segments.scarce
    segments.lend(other)
    assert segments.scarce
    segments.give_back(one, 1.0, spoiled=False)
    assert segments.scarce
    segments.give_back(one, 1.0, spoiled=True)
    assert not segments.scarce


def test_a_small_payload_does_not_take_a_large_segment() -> None:
    segments, (large, fits) = table(60, 8)
    assert segments.find(5, nobody) is fits
    assert segments.find(40, nobody) is large


def test_the_segments_unused_for_longest_make_room_and_no_more_than_needed() -> None:
    segments, (first, second, third) = table(40, 40, 20)
    segments.lend(first)
    segments.give_back(first, 5.0, spoiled=False)
    assert segments.make_room(30, nobody) == [second]
    assert segments.make_room(101, nobody) is None
    segments.lend(third)
    assert segments.make_room(80, nobody) == [first]


def test_there_are_no_more_than_so_many() -> None:
    segments = SegmentTable(1000, 2)
    segments.add(Segment(1))
    segments.add(last := Segment(1))
    segments.lend(last)
    assert len(segments.make_room(1, nobody) or ()) == 1
    segments.add(Segment(1))
    assert segments.make_room(1, lambda _: True) is None


Steps = st.lists(
    st.tuples(st.sampled_from(["take", "lend", "return", "spoil", "look", "sweep"]), st.integers(1, 60), st.integers(0))
)


@given(Steps)
def test_no_segment_that_anybody_may_see_is_handed_out_and_the_limit_holds(  # noqa: C901 (a branch for each step)
    steps: list[tuple[str, int, int]],
) -> None:
    segments, known = SegmentTable(100, 4), list[Segment]()
    viewed, spoiled, lent = set[Segment](), set[Segment](), dict[Segment, int]()
    for number, (step, size, which) in enumerate(steps):
        its = known[which % len(known)] if known else None
        if step == "take":
            found = segments.find(size, viewed.__contains__)
            if found is None and segments.make_room(size, viewed.__contains__) is not None:
                found = Segment(size)
                segments.add(found)
                known.append(found)
            elif found is not None:
                assert size <= found.capacity
            if found is not None:
                assert found not in viewed
                assert found not in spoiled
                assert not lent.get(found)
                viewed.add(found)
        elif step == "sweep":
            gone = segments.sweep(float(number - 3), viewed.__contains__)
            assert not any(segment in viewed or lent.get(segment) for segment in gone)
        elif its is None:
            continue
        elif step == "lend" and its in viewed:
            segments.lend(its)
            lent[its] = lent.get(its, 0) + 1
        elif step in {"return", "spoil"} and lent.get(its):
            segments.give_back(its, float(number), spoiled=step == "spoil")
            lent[its] -= 1
            if step == "spoil":
                spoiled.add(its)
        elif step == "look":
            viewed.discard(its)
        assert segments.size <= 100
        assert len(segments) <= 4
