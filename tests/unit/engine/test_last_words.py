"""What is held of an engine's last output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.engine import overflow
from engineroom.engine.last_words import FILE_BEGINS, LastWords

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files in memory are Linux's")


@pytest.fixture(params=[True, False], ids=["forked", "fresh"])
def words(request: pytest.FixtureRequest) -> Iterator[LastWords]:
    made = LastWords.new(forked=request.param)
    assert made is not None
    yield made
    made.close()


def positions(words: LastWords) -> tuple[int, int]:
    return os.fstat(words.files[0]).st_size, os.fstat(words.files[1]).st_size


def test_what_was_printed_comes_before_what_was_written_below(words: LastWords) -> None:
    words.note("printed")
    os.write(words.files[1], b"fatal")
    os.write(words.files[0], b"from C\n")
    assert words.read() == "printed\nfrom C\nfatal\n"


def test_what_an_earlier_task_wrote_is_forgotten(words: LastWords) -> None:
    words.note("early")
    os.write(words.files[1], b"early too")
    words.begin(*positions(words))
    assert words.read() == ""
    words.note("late")
    os.write(words.files[0], b"later")
    assert words.read() == "late\nlater\n"


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=400), max_size=60))
def test_the_end_of_what_was_printed_is_held_whole_and_in_order(texts: list[str]) -> None:
    words = LastWords.new(forked=True)
    assert words is not None
    for text in texts:
        words.note(text)
    printed = "".join(texts).removesuffix("\n").encode("utf-8", "backslashreplace").decode()
    held = words.read()
    words.close()
    assert printed[-700:].rstrip("\n") in held
    assert len(held) <= len(printed) + 2
    assert held.lstrip("\ufffd").rstrip("\n") in printed


def resident(file: int) -> int:
    return os.fstat(file).st_blocks * 512


def test_the_middle_of_what_nobody_reads_is_taken_out(words: LastWords) -> None:
    os.write(words.files[0], b"head")
    for _ in range(40):
        os.write(words.files[0], bytes(1 << 20))
    os.write(words.files[0], b"tail")

    assert overflow.cut(words)

    assert resident(words.files[0]) < overflow.MOST
    assert os.pread(words.files[0], 4, FILE_BEGINS) == b"head"
    assert words.read() == "tail\n"
    assert not overflow.cut(words)


def test_what_the_engine_has_read_is_no_head(words: LastWords) -> None:
    for _ in range(20):
        os.write(words.files[1], bytes(1 << 20))
    words.note_read(FILE_BEGINS, os.fstat(words.files[1]).st_size)
    os.write(words.files[1], b"head")
    for _ in range(20):
        os.write(words.files[1], bytes(1 << 20))
    assert overflow.cut(words)
    start = words.read_up_to()[1]
    assert os.pread(words.files[1], 4, start) == b"head"


def test_a_fork_that_has_closed_all_descriptors_closes_none_of_its_own_by_forgetting_others() -> None:
    others = [LastWords.new(forked=True) for _ in range(3)]
    child = os.fork()
    if child == 0:
        os.closerange(3, 256)
        own = [os.dup(0) for _ in range(40)]
        del others
        try:
            for descriptor in own:
                os.fstat(descriptor)
        except OSError:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for words in others:
        assert words is not None
        words.close()
