"""Streams of every kind: whatever is written to them, nobody's work ends of it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, cast

import pytest

from engineroom.client.progress.audience import somebody_looks
from engineroom.client.progress.lines import Lines
from engineroom.client.progress.standing import Counts, Standing
from engineroom.machine.standard_streams import is_read, is_terminal, moves, say, say_to


class OnlyWrites:
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)


class WritesAndFlushes(OnlyWrites):
    def flush(self) -> None: ...


class Fails:
    def write(self, text: str) -> int:
        raise ValueError("I/O operation on closed file")

    def flush(self) -> None:
        raise ValueError("I/O operation on closed file")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


def gone() -> Any:
    read, write = os.pipe()
    os.close(read)
    return open(write, "w")


STREAMS = [None, OnlyWrites, WritesAndFlushes, Fails, closed, object, io.BytesIO]


@pytest.mark.parametrize("make", STREAMS)
def test_nothing_of_a_stream_is_taken_for_granted(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = cast(Any, make and make())
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    say("one", "two")
    say_to(stream, "three")
    assert not is_terminal(stream)
    assert not moves(stream)
    assert is_read(stream)
    assert not somebody_looks()
    display = Lines(stream, lasting=False)
    display.show(Standing(Counts(0, 1)))
    display.end(Standing(Counts(1, 1)))
    if isinstance(stream, OnlyWrites):
        assert stream.text == "one\ntwo\nthree\nwaiting: 0.0 s\n"


def test_a_pipe_that_nobody_reads_is_dropped() -> None:
    stream = gone()
    say_to(stream, "one")
    say_to(stream, "two")
    stream.close()


def test_a_full_disk_is_said_once_where_that_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = OnlyWrites()
    monkeypatch.setattr("sys.stderr", errors)
    with Path("/dev/full").open("w") as full:
        say_to(full, "one")
        say_to(full, "two")
    assert errors.text == "the output can't be written: No space left on device\n"
