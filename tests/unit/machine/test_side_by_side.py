"""Pieces of several segments seen as one: as private as each, let go of together, and nothing left of them."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import itertools
import mmap
import os
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom.machine.shared_memory.mapped import Mappings
from engineroom.machine.shared_memory.memfd import OwnSegment, available
from engineroom.machine.shared_memory.pool import SharedPool
from engineroom.machine.shared_memory.side_by_side import Piece, SideBySide
from tests.unit.machine.kernels import tells_written_pages

pytestmark = pytest.mark.skipif(not available() or not tells_written_pages(), reason="Linux 6.7 and later have it")

PAGE = mmap.PAGESIZE
SIZE = 64 * PAGE
MIB = 1 << 20


class Story:
    """A process that has sent some bytes, each time in the same segments if they are free, and one that joins them.

    `opened`: how often a segment had to be opened again.
    """

    def __init__(self) -> None:
        self.pool, self.mappings = SharedPool(), Mappings()
        self.pool.allow(64 * MIB)
        self.side = SideBySide(self.mappings)
        self.side.most = 16 * MIB
        self.told: list[tuple[int, bool]] = []
        self.reachable = True
        self.opened = 0

    def sent(self, content: bytes, *, head: int = PAGE) -> memoryview:
        """Return `content` as it is mapped where it has come, behind a head of so many bytes."""
        view = self.pool.snapshot([memoryview(bytes(head)), memoryview(content)])
        assert view is not None
        segment = self.pool.segment_of([view])
        assert segment is not None
        self.pool.lend(segment)

        def gone(spoiled: bool) -> None:
            self.told.append((segment.inode, spoiled))
            self.pool.give_back(segment, spoiled=spoiled)

        mapped = self.mappings.again(segment.device, segment.inode, SIZE, gone, lambda: self._opened(segment))
        if mapped is None:
            mapped = self.mappings.new(segment.descriptor, gone, lambda: self._opened(segment))
        return mapped[head : head + len(content)]

    def _opened(self, segment: OwnSegment) -> int:
        if not self.reachable:
            raise OSError("its process is gone")
        self.opened += 1
        return os.dup(segment.descriptor)

    def joined(self, *views: memoryview) -> memoryview | None:
        return self.side.join([Piece(address(view), len(view)) for view in views])

    def gathered(self, *contents: bytes) -> memoryview:
        whole = self.joined(*map(self.sent, contents))
        assert whole is not None
        return whole


@pytest.fixture
def story() -> Iterator[Story]:
    made = Story()
    yield made
    made.pool.forget()


def address(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def forked(act: Callable[[], bool]) -> bool:
    """Return what `act` says in a forked child."""
    pid = os.fork()
    if pid == 0:
        good = False
        try:
            good = act()
        finally:  # also without memory
            os._exit(0 if good else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_pieces_are_seen_one_after_the_other_and_written_for_this_process_alone(story: Story) -> None:
    first, second = story.sent(b"a" * SIZE), story.sent(b"b" * (SIZE + 17))
    whole = story.joined(first, second)
    assert whole == b"a" * SIZE + b"b" * (SIZE + 17)
    assert whole is not None
    whole[SIZE - 1 : SIZE + 1] = b"xy"
    assert first == b"a" * SIZE
    assert second == b"b" * (SIZE + 17)
    first[0] = second[0] = 7
    assert whole[: SIZE + 2] == b"a" * (SIZE - 1) + b"xyb"


@pytest.mark.parametrize("count", [1, 3, 5])
def test_there_may_be_any_number_of_pieces(story: Story, count: int) -> None:
    contents = [bytes([number]) * SIZE for number in range(count)]
    assert story.gathered(*contents) == b"".join(contents)


def test_each_segment_is_given_back_once_when_nobody_looks_at_any_of_it(story: Story) -> None:
    whole = story.gathered(b"a" * SIZE, b"b" * SIZE)
    part = whole[10:20]
    del whole
    assert story.told == []
    assert part == b"a" * 10
    del part
    assert len({inode for inode, _ in story.told}) == len(story.told) == 2
    assert not any(spoiled for _, spoiled in story.told)


def test_what_was_not_written_is_mapped_again_and_shows_what_came_next(story: Story) -> None:
    places = set()
    for letter in (b"a", b"b", b"c"):
        whole = story.gathered(letter * SIZE, letter.upper() * SIZE)
        assert whole == letter * SIZE + letter.upper() * SIZE
        places.add(address(whole))
        del whole
    assert len(places) == 1


def test_the_same_segments_in_another_order_are_not_taken_for_the_same(story: Story) -> None:
    first, second = story.sent(b"a" * SIZE), story.sent(b"b" * SIZE)
    assert story.joined(first, second) == b"a" * SIZE + b"b" * SIZE
    assert story.joined(second, first) == b"b" * SIZE + b"a" * SIZE
    assert story.joined(first[PAGE:], second) == b"a" * (SIZE - PAGE) + b"b" * SIZE


def test_after_one_that_was_written_the_next_are_left_to_be_copied_and_ever_more(story: Story) -> None:
    pieces = story.sent(b"a" * SIZE), story.sent(b"b" * SIZE)

    def next_one() -> tuple[memoryview, int]:
        """Return the next that is mapped, and how many were refused before."""
        for refused in range(10_000):
            whole = story.joined(*pieces)
            if whole is not None:
                return whole, refused
        raise AssertionError("none is mapped any more")

    def refused_after_writing() -> int:
        whole, refused = next_one()
        whole[SIZE] = 7
        return refused

    assert [refused_after_writing() for _ in range(8)] == [0, 32, 64, 128, 256, 512, 1024, 1024]
    assert next_one()[1] == 1024
    assert next_one()[1] == 0
    assert [refused_after_writing() for _ in range(2)] == [0, 32]


@pytest.mark.parametrize(
    ("sizes", "heads"),
    [
        ((SIZE + 1, SIZE), (PAGE, PAGE)),  # the second would have to begin within a page
        ((SIZE, SIZE), (PAGE, PAGE + 64)),
        ((SIZE, SIZE), (64, PAGE)),
    ],
)
def test_pieces_whose_pages_do_not_fit_together_are_left_to_be_copied(
    story: Story, sizes: tuple[int, int], heads: tuple[int, int]
) -> None:
    pieces = [story.sent(b"a" * size, head=head) for size, head in zip(sizes, heads, strict=True)]
    assert story.joined(*pieces) is None


def test_a_piece_that_was_written_or_lies_elsewhere_is_left_to_be_copied(story: Story) -> None:
    first, second = story.sent(b"a" * SIZE), story.sent(b"b" * SIZE)
    elsewhere = memoryview(mmap.mmap(-1, SIZE))
    assert story.joined(first, elsewhere) is None
    assert story.joined(first, second) is not None
    second[5] = 7
    assert story.joined(first, second) is None


def test_a_piece_that_can_not_be_opened_again_is_left_to_be_copied(story: Story) -> None:
    first, second = story.sent(b"a" * SIZE), story.sent(b"b" * SIZE)
    story.reachable = False
    assert story.joined(first, second) is None
    story.reachable = True
    assert story.joined(first, second) is not None


def test_few_are_mapped_at_a_time_and_of_a_limited_size(story: Story) -> None:
    pieces = story.sent(b"a" * SIZE), story.sent(b"b" * SIZE)
    there = [story.joined(*pieces), story.joined(*pieces)]
    assert None not in there
    assert story.joined(*pieces) is None
    there.pop()
    story.side.most = 4 * SIZE - 1
    assert story.joined(*pieces) is None
    story.side.most = 4 * SIZE
    assert story.joined(*pieces) is not None


def test_what_a_forked_child_sees_stays_as_it_is(story: Story) -> None:
    whole = story.gathered(b"a" * SIZE, b"b" * SIZE)
    go_on, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(go_on, 1)
        os._exit(0 if whole == b"a" * SIZE + b"b" * SIZE else 1)
    story.mappings.before_fork()  # of these mappings nobody else tells that this process forks
    story.mappings.after_in_parent()
    del whole
    assert [spoiled for _, spoiled in story.told] == [True, True]
    assert story.sent(b"c" * SIZE) == b"c" * SIZE
    os.write(go, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(go)
    os.close(go_on)


def test_a_child_may_let_go_of_what_its_parent_has_mapped(story: Story) -> None:
    kept = [story.gathered(b"a" * SIZE, b"b" * SIZE)]

    def act() -> bool:
        story.mappings.after_in_child()
        kept.clear()
        return story.told == [] and len(story.mappings) == 0

    assert forked(act)
    assert kept[0] == b"a" * SIZE + b"b" * SIZE


def test_it_stays_when_the_process_is_gone_that_has_sent_it(story: Story) -> None:
    whole = story.gathered(b"a" * SIZE, b"b" * SIZE)
    story.pool.forget()
    assert whole == b"a" * SIZE + b"b" * SIZE


def segments_mapped_and_open() -> tuple[Counter[int], Counter[int]]:
    """Return how often this process has each segment of a pool mapped to write for itself, and how often open."""
    lines = [line.split() for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()]
    mapped = Counter(int(line[4]) for line in lines if line[1] == "rw-p" and line[5:6] == ["/memfd:engineroom-payload"])
    is_open: Counter[int] = Counter()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            is_open[link.stat().st_ino] += "memfd:engineroom-payload" in os.readlink(link)
    return mapped, is_open


def test_nothing_is_left_of_many(story: Story) -> None:
    theirs = set().union(*segments_mapped_and_open())  # clients of other tests were in this process

    def left() -> tuple[int, int]:
        story.mappings.kept.clear()
        gc.collect()
        mapped, is_open = (
            sum(count for inode, count in each.items() if inode not in theirs) for each in segments_mapped_and_open()
        )
        return mapped, is_open

    story.gathered(b"a" * SIZE, b"b" * SIZE)
    before = left()
    for number in range(100):
        whole = story.gathered(bytes([number]) * SIZE, b"b" * SIZE)
        if number % 2:
            story.side = SideBySide(story.mappings)  # one that has not seen what was written
            story.side.most = 16 * MIB
            whole[0] = 1
        del whole
    assert left() == before
    assert before[0] == 0


def test_pieces_that_come_in_another_company_are_taken_from_what_is_kept(story: Story) -> None:
    pieces = [story.sent(bytes([number]) * SIZE) for number in range(6)]
    for some in (pieces[:3], pieces[3:]):
        assert story.joined(*some) == b"".join(some)
    assert story.opened == 6
    for some in itertools.permutations(pieces, 3):
        assert story.joined(*some) == b"".join(some)
    assert story.opened == 6
    assert len(story.mappings) <= 2 * len(pieces)

    there = story.joined(pieces[0], pieces[1])
    assert story.joined(pieces[1], pieces[2]) == bytes(pieces[1]) + bytes(pieces[2])
    assert there == bytes(pieces[0]) + bytes(pieces[1])
    assert story.opened == 7


def test_a_piece_that_was_moved_shows_what_came_next_wherever_it_was(story: Story) -> None:
    first, second, third = (story.sent(letter * SIZE) for letter in (b"a", b"b", b"c"))
    assert story.joined(first, second) == b"a" * SIZE + b"b" * SIZE
    assert story.joined(second, third) == b"b" * SIZE + b"c" * SIZE
    del first, second, third
    first, second, third = (story.sent(letter * SIZE) for letter in (b"d", b"e", b"f"))
    for one, other in itertools.permutations((first, second, third), 2):
        assert story.joined(one, other) == bytes(one) + bytes(other)
    assert story.opened == 3


def test_the_same_piece_may_be_there_twice(story: Story) -> None:
    piece = story.sent(b"a" * SIZE)
    for _ in range(3):
        whole = story.joined(piece, piece)
        assert whole == b"a" * 2 * SIZE
        del whole


def test_few_are_kept(story: Story) -> None:
    pieces = [story.sent(bytes([number]) * SIZE) for number in range(40)]
    for piece in pieces:
        assert story.joined(piece) is not None
    assert len(story.mappings) == len(pieces) + 32
    story.side.most = 5 * SIZE
    assert story.joined(*pieces[:2]) is not None
    assert len(story.mappings) <= len(pieces) + 5


def test_what_its_owner_has_dropped_is_not_kept(story: Story) -> None:
    story.gathered(b"a" * SIZE, b"b" * SIZE)
    assert len(story.mappings) == 3
    inode = story.told[0][0]
    story.mappings.kept.drop({inode})
    assert len(story.mappings) == 1


def test_without_address_space_it_is_left_to_be_copied(story: Story) -> None:
    pieces = [story.sent(b"a" * 4 * MIB), story.sent(b"b" * 4 * MIB)]

    def act() -> bool:
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * PAGE
        resource.setrlimit(resource.RLIMIT_AS, (used + 4 * MIB, -1))
        return story.joined(*pieces) is None

    assert forked(act)
    assert story.joined(*pieces) is not None
