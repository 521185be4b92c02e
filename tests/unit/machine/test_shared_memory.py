"""Shared memory: what is written here is seen by others, can't be changed by them, and is written again when free."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom.machine.shared_memory import copying
from engineroom.machine.shared_memory import pool as pools
from engineroom.machine.shared_memory import room as rooms
from engineroom.machine.shared_memory.again import mapper_of
from engineroom.machine.shared_memory.mapped import MAPPINGS, Mappings
from engineroom.machine.shared_memory.memfd import NotSharedError, OwnSegment, available, map_privately, open_theirs
from engineroom.machine.shared_memory.pool import SharedPool
from tests.patience import SECONDS
from tests.unit.machine.kernels import tells_written_pages

pytestmark = pytest.mark.skipif(not available(), reason="Linux has it")

SIZE = 300_000


@pytest.fixture
def pool() -> SharedPool:
    made = SharedPool()
    made.allow(64 << 20)
    return made


def opened(segment: OwnSegment, size: int = SIZE) -> int:
    return open_theirs(os.getpid(), segment.descriptor, device=segment.device, inode=segment.inode, end=size)


def mapped(segment: OwnSegment, size: int = SIZE) -> mmap.mmap:
    descriptor = opened(segment, size)
    try:
        return map_privately(descriptor, 0, size)
    finally:
        os.close(descriptor)


def written(pool: SharedPool, *views: bytes) -> tuple[memoryview, OwnSegment]:
    view = pool.snapshot([memoryview(each) for each in views])
    assert view is not None
    segment = pool.segment_of([view])
    assert segment is not None
    return view, segment


def test_what_was_written_is_mapped_by_others_who_change_their_copies_alone(pool: SharedPool) -> None:
    view, segment = written(pool, b"a" * 100_000, b"b" * 200_000)
    one, two = mapped(segment), mapped(segment)
    one[0:1] = b"x"
    assert one[:2] == b"xa"
    assert two[:1] == bytes(view[:1]) == b"a"
    assert two[100_000:SIZE] == b"b" * 200_000


def test_long_data_are_copied_whole_whatever_they_lie_in(pool: SharedPool) -> None:
    data = os.urandom(1000) * 5000
    for source in (data, bytearray(data), memoryview(data)[17:], memoryview(bytearray(b"12345" + data))[5:]):
        for _ in range(2):  # into fresh memory, and into what is there
            view = pool.snapshot([memoryview(b"head"), memoryview(source), memoryview(b"")])
            assert view is not None
            assert bytes(view) == b"head" + bytes(source)
            del view


@pytest.mark.parametrize("end", [0, 1, 4095, (3 << 20) + 1])
def test_data_are_copied_whole_wherever_they_begin_in_a_page(end: int) -> None:
    data, place = memoryview(os.urandom(end + 4096)), memoryview(mmap.mmap(-1, end + 8192))
    for there, here in ((0, 0), (0, 16), (16, 0), (64, 0), (2047, 0), (2048, 0), (4095, 0), (1, 4096)):
        place[:] = bytes(len(place))
        copying.copy(place[there : there + end], data[here : here + end])
        assert bytes(place) == bytes(there) + data[here : here + end] + bytes(len(place) - there - end)
        assert copying.as_bytes(data[here : here + end]) == data[here : here + end]


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("sizes", [(), (0,), (1,), (5000, 0, 70_001), (3, 9000, 3), (8192, 8192)])
def test_data_are_copied_one_after_the_other_by_any_number_of_threads(sizes: tuple[int, ...], processors: int) -> None:
    sources = [os.urandom(size) for size in sizes]
    target = bytearray(sum(sizes))
    copying.join(memoryview(target), list(map(memoryview, sources)), processors=processors)
    assert target == b"".join(sources)


def test_where_no_thread_can_be_started_data_are_copied_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    target = bytearray(20_000)
    copying.join(memoryview(target), [memoryview(b"a" * 9000), memoryview(b"b" * 11_000)], processors=2)
    assert target == b"a" * 9000 + b"b" * 11_000


def test_the_size_of_a_segment_is_fixed_and_nobody_else_can_write_it(pool: SharedPool) -> None:
    _, segment = written(pool, bytes(SIZE))
    with pytest.raises(PermissionError):
        os.ftruncate(segment.descriptor, 10)
    with pytest.raises(PermissionError):
        os.pwrite(segment.descriptor, b"x", 0)
    with pytest.raises(PermissionError):
        mmap.mmap(segment.descriptor, SIZE, mmap.MAP_SHARED, mmap.PROT_WRITE)


def test_another_file_and_one_that_could_be_made_shorter_are_refused(pool: SharedPool, tmp_path: Path) -> None:
    _, segment = written(pool, bytes(SIZE))
    with pytest.raises(NotSharedError, match="another file"):
        open_theirs(os.getpid(), segment.descriptor, device=segment.device, inode=segment.inode + 1, end=SIZE)
    with pytest.raises(NotSharedError, match="shorter"):
        opened(segment, 1 << 30)
    with (tmp_path / "file").open("wb+") as file:
        file.truncate(SIZE)
        found = os.fstat(file.fileno())
        with pytest.raises(OSError):  # noqa: PT011 (it is no memory: which words the system has for that is its own)
            open_theirs(os.getpid(), file.fileno(), device=found.st_dev, inode=found.st_ino, end=SIZE)
    unsealed = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
    os.ftruncate(unsealed, SIZE)
    found = os.fstat(unsealed)
    with pytest.raises(NotSharedError, match="not fixed"):
        open_theirs(os.getpid(), unsealed, device=found.st_dev, inode=found.st_ino, end=SIZE)
    os.close(unsealed)


def test_a_pipe_is_not_even_opened() -> None:
    reading, writing = os.pipe()
    found = os.fstat(reading)
    with pytest.raises(NotSharedError, match="another file"):
        open_theirs(os.getpid(), reading, device=found.st_dev, inode=found.st_ino, end=1)
    os.close(reading)
    os.close(writing)


def test_memory_is_written_again_when_nobody_has_it_any_more(pool: SharedPool) -> None:
    view, segment = written(pool, b"a" * SIZE)
    _, other = written(pool, b"b" * SIZE)
    assert other is not segment

    del view
    pool.lend(segment)
    assert written(pool, b"c" * SIZE)[1] is not segment
    pool.give_back(segment, spoiled=False)
    view, again = written(pool, b"d" * SIZE)
    assert again is segment
    assert bytes(view) == b"d" * SIZE


def test_beyond_the_limit_nothing_is_written_and_it_is_said_why(pool: SharedPool) -> None:
    kept = [written(pool, bytes(16 << 20))[0] for _ in range(4)]
    assert pool.snapshot([memoryview(bytes(SIZE))]) is None
    assert "limited to 67,108,864 bytes" in pool.trouble
    kept.pop()
    assert pool.snapshot([memoryview(bytes(SIZE))]) is not None


def test_where_the_machine_has_no_memory_nothing_is_written(pool: SharedPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "room", lambda: 1 << 20)
    assert pool.snapshot([memoryview(bytes(32 << 20))]) is None
    assert "no memory" in pool.trouble


def test_many_small_segments_are_no_way_around_a_lack_of_memory(
    pool: SharedPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = 20 << 20
    monkeypatch.setattr(pools, "room", lambda: left - pool.size)
    kept = [pool.snapshot([memoryview(bytes(1 << 20))]) for _ in range(40)]
    assert pool.size <= left + (1 << 20)
    assert kept[-1] is None
    assert "this control group, has no memory for another 1,048,576 bytes" in pool.trouble


def test_idle_memory_is_given_back(pool: SharedPool) -> None:
    view, _ = written(pool, bytes(SIZE))
    assert pool.sweep(0.0)
    del view
    assert not pool.sweep(0.0)
    assert pool.size == 0


def forked(act: Callable[[], bool]) -> bool:
    """Return what `act` says in a forked child."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if act() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


Told = list[tuple[str, bool]]


def looked_at(mappings: Mappings, segment: OwnSegment, name: str, told: Told) -> memoryview:
    def gone(spoiled: bool) -> None:
        told.append((name, spoiled))

    view = mappings.again(segment.device, segment.inode, SIZE, gone)
    if view is None:
        descriptor = opened(segment)
        view = mappings.new(descriptor, gone)
        os.close(descriptor)
    return view


def test_whoever_lets_go_of_a_mapping_is_noted_and_whether_it_was_there_when_somebody_forked(pool: SharedPool) -> None:
    _, segment = written(pool, bytes(SIZE))
    mappings, told = Mappings(), Told()
    before = looked_at(mappings, segment, "before", told)
    mappings.before_fork()
    during = looked_at(mappings, segment, "during", told)
    mappings.after_in_parent()
    after = looked_at(mappings, segment, "after", told)
    part = before[10:20]
    del before, during, after
    assert told == [("during", True), ("after", False)]
    del part
    assert told[2:] == [("before", True)]


def test_a_mapping_that_was_only_read_is_used_again_and_shows_what_is_written_next(pool: SharedPool) -> None:
    view, segment = written(pool, b"a" * SIZE)
    mappings, told = Mappings(), Told()
    assert looked_at(mappings, segment, "one", told)[:SIZE].tobytes() == b"a" * SIZE
    assert (told, len(mappings.kept)) == ([("one", False)], 1 if tells_written_pages() else 0)
    del view
    written(pool, b"b" * SIZE)
    assert looked_at(mappings, segment, "two", told)[:SIZE].tobytes() == b"b" * SIZE


def test_what_is_mapped_again_and_again_is_as_it_was_sent_each_time_and_returned_once(pool: SharedPool) -> None:
    _, segment = written(pool, b"a" * SIZE)
    told = Told()
    first = looked_at(MAPPINGS, segment, "first", told)[100:SIZE]
    mapper = mapper_of(first, lambda: opened(segment), 100)
    assert mapper is not None
    one = mapper()
    one[0] = ord("x")
    two = mapper()
    assert (bytes(one[:2]), bytes(two[:2]), len(two)) == (b"xa", b"aa", SIZE - 100)
    del first, mapper, one
    assert told == []
    seen = [two]
    assert forked(lambda: seen[0][0] == ord("a"))
    del two
    seen.clear()
    assert told == [("first", True)]


def test_what_can_not_be_opened_again_is_not_mapped_again() -> None:
    def gone() -> int:
        raise OSError("it is another file by now")

    assert mapper_of(memoryview(b"first"), gone, 0) is None


@pytest.mark.parametrize("place", [0, 5000, SIZE - 1])
def test_a_mapping_that_was_written_is_not_used_again(pool: SharedPool, place: int) -> None:
    view, segment = written(pool, b"a" * SIZE)
    mappings, told = Mappings(), Told()
    looked_at(mappings, segment, "one", told)[place] = 7
    assert len(mappings.kept) == 0
    del view
    written(pool, b"b" * SIZE)
    assert looked_at(mappings, segment, "two", told)[:SIZE].tobytes() == b"b" * SIZE


def test_mappings_that_nothing_looks_at_go_after_a_while_and_when_there_are_many(pool: SharedPool) -> None:
    mappings, told = Mappings(), Told()
    mappings.kept.most = 64
    for _ in range(70):
        _, segment = written(pool, b"a" * SIZE)
        looked_at(mappings, segment, "", told)
        pool.lend(segment)  # so that the next one is another
    assert len(mappings) <= 64
    assert mappings.kept.sweep(0.0) is (len(mappings) > 0)
    assert not mappings.kept.sweep(float("inf"))
    assert len(mappings) == 0


def test_mappings_that_live_until_the_interpreter_ends_end_in_silence() -> None:
    script = """
from engineroom.machine.shared_memory.mapped import MAPPINGS
from engineroom.machine.shared_memory.memfd import OwnSegment
class Cycle: pass
cycle, segment = Cycle(), OwnSegment(300_000)
cycle.view = MAPPINGS.new(segment.descriptor, print)
cycle.itself = cycle
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=SECONDS, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_forked_child_has_no_segments_of_its_parent(pool: SharedPool) -> None:
    view, segment = written(pool, b"a" * SIZE)

    def act() -> bool:
        pool.forget()
        pool.allow(64 << 20)
        return written(pool, b"b" * SIZE)[1] is not segment and bytes(view) == b"a" * SIZE

    assert forked(act)
    assert bytes(view) == b"a" * SIZE


def test_the_limit_of_a_control_group_counts(tmp_path: Path) -> None:
    groups = tmp_path / "cgroup"
    (groups / "outer" / "inner").mkdir(parents=True)
    (groups / "outer" / "memory.max").write_text(f"{100 << 20}\n")
    (groups / "outer" / "memory.current").write_text(f"{90 << 20}\n")
    (groups / "outer" / "memory.stat").write_text(f"anon 5\ninactive_file {20 << 20}\n")
    (groups / "outer" / "inner" / "memory.max").write_text("max\n")
    (own := tmp_path / "own").write_text("0::/outer/inner\n")
    sources = rooms.Sources(groups=groups, own=own)
    assert rooms.total(sources) == 100 << 20
    assert rooms.room(sources) == (30 - 10) << 20
    assert [rooms.share(size << 20, sources) for size in (10, 25, 512)] == [10 << 20, 25 << 20, 25 << 20]
