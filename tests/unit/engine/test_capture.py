"""What is kept of output, and in whose name."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.engine.attempts import Attempt
from engineroom.engine.capture import Sink, writer
from engineroom.engine.shown import LIMIT, Shown
from engineroom.engine.streams import routed_output
from engineroom.engine.task_output import StreamOutput, TaskOutput
from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import Call, Display, Displays, Output, Run
from engineroom.protocol.ranges import MOST_DISPLAY


def attempt(number: int = 1) -> Attempt:
    return Attempt.of(Run(task_id(SessionId(bytes(16)), number), 1, Call(0)))


@contextlib.contextmanager
def routed() -> Iterator[list[str]]:
    """Route what is written within, and yield the log; no fixture, for pytest replaces `sys.stdout` after those."""
    lines: list[str] = []
    with routed_output(Sink(limit=100, log=lines.append)):
        yield lines
    writer.set(None)


def text_of(one: Attempt, stream: int = 1) -> str:
    assert one.output is not None
    return "".join(
        message.text
        for message in one.output.take(one.key, end=True)
        if isinstance(message, Output) and message.stream == stream
    )


def test_short_output_is_kept_whole() -> None:
    output = StreamOutput(10)
    output.write("abc")
    assert output.take() == "abc"
    output.write("de")
    assert output.take_rest() == "de"


def test_of_long_output_head_and_tail_are_kept_and_the_gap_is_named() -> None:
    output = StreamOutput(10)
    for character in "0123456789abcdefghij":
        output.write(character)
    assert output.take() == "01234"
    assert output.take() == ""
    assert output.take_rest() == "\n[... 10 characters of output were cut here ...]\nfghij"


@given(st.lists(st.text(alphabet="abc", max_size=30)), st.integers(2, 40), st.sets(st.integers(0, 20)))
def test_whatever_is_written_is_kept_or_counted(pieces: list[str], limit: int, takes: set[int]) -> None:
    output, head = StreamOutput(limit), ""
    for index, piece in enumerate(pieces):
        output.write(piece)
        if index in takes:
            head += output.take()
    head += output.take()
    written, rest = "".join(pieces), output.take_rest()
    assert len(head) <= limit - limit // 2
    assert written.startswith(head)
    if output.cut:
        assert f"{output.cut} characters" in rest
        tail = rest.rpartition("]\n")[2]
        assert len(tail) == limit // 2
        assert written.endswith(tail)
        assert len(head) + len(tail) + output.cut == len(written)
    else:
        assert head + rest == written


def test_messages_are_numbered_in_one_order() -> None:
    output, key = TaskOutput(1000), attempt().key
    output.write(1, "a")
    first = output.take(key)
    output.write(1, "b")
    output.write(2, "c")
    last = output.take(key, end=True)
    texts = [message for message in first + last if isinstance(message, Output)]
    assert [(m.stream, m.seq, m.text) for m in texts] == [
        (1, 0, "a"),
        (1, 1, "b"),
        (2, 2, "c"),
    ]
    assert output.said == first + last
    assert not output.write(1, "too late")


def said(messages: list[Output | Display]) -> list[tuple[int, str | bytes]]:
    assert [message.seq for message in messages] == list(range(len(messages)))
    return [(m.stream, m.text) if isinstance(m, Output) else (10 * m.kind, m.content) for m in messages]


def test_displays_are_in_order_with_text() -> None:
    output, key = TaskOutput(10_000), attempt().key
    output.write(1, "before")
    assert output.show(Displays.SHOW, b"one")
    first = output.take(key)
    output.write(1, "between")
    output.show(Displays.UPDATE, b"two")
    output.show(Displays.CLEAR, b"three")
    output.write(1, "after")
    last = output.take(key, end=True)
    assert said(first) == [(1, "before"), (10, b"one")]
    assert said(first + last)[2:] == [(1, "between"), (20, b"two"), (30, b"three"), (1, "after")]
    assert output.said == first + last
    assert not output.show(Displays.SHOW, b"too late")


@given(st.lists(st.binary(max_size=600), max_size=40), st.integers(2000, 9000))
def test_of_many_displays_the_first_and_the_last_are_kept(shown: list[bytes], limit: int) -> None:
    kept = Shown(limit)
    head = []
    for content in shown:
        if kept.fits(Displays.SHOW, content):
            head.append(content)
        assert kept.size <= limit
    tail = [content for _, content in kept.take_rest()]
    assert head == shown[: len(head)]
    if len(head) + len(tail) != len(shown) or tail != shown[len(head) :]:
        words, *tail = tail
        assert tail  # the newest is always there
        assert tail == shown[-len(tail) :]
        assert b"%d displays were cut" % (len(shown) - len(head) - len(tail)) in words


def test_the_largest_display_is_kept_however_little_text_is() -> None:
    output, key = TaskOutput(10, 4 * MOST_DISPLAY + 2**15), attempt().key
    largest = [bytes([name]) * MOST_DISPLAY for name in range(9)]
    for content in largest:
        output.show(Displays.SHOW, content)
    got = [content for _, content in said(output.take(key, end=True))]
    assert [content for content in got if content in largest] == [*largest[:2], *largest[-2:]]
    assert output.size <= LIMIT


def test_output_belongs_to_the_task_that_writes() -> None:
    with routed() as log:
        one, two = attempt(1), attempt(2)
        print("nobody")
        writer.set(one)
        print("first")
        writer.set(two)
        print("second", file=sys.stderr)
        writer.set(None)
        assert text_of(one) == "first\n"
        assert text_of(two, 2) == "second\n"
        assert "".join(log) == "nobody\n"


def test_threads_write_for_the_task_that_started_them() -> None:
    with routed() as log:
        one, two = attempt(1), attempt(2)
        go = threading.Event()

        class Own(threading.Thread):
            def run(self) -> None:
                go.wait()
                print("own")

        writer.set(one)
        threads = [Own(), threading.Thread(target=lambda: go.wait() and print("target"))]
        for thread in threads:
            thread.start()
        writer.set(two)
        go.set()
        for thread in threads:
            thread.join()
        assert sorted(text_of(one).split()) == ["own", "target"]
        assert two.output is None
        assert log == []


def test_what_comes_after_the_end_goes_to_the_log() -> None:
    with routed() as log:
        one = attempt()
        writer.set(one)
        print("in time")
        one.ended = True
        print("late")
        assert text_of(one) == "in time\n"
        assert "".join(log) == "late\n"


def test_routers_are_good_text_streams() -> None:
    with routed() as log:
        assert (sys.stdout.fileno(), sys.stderr.fileno()) == (1, 2)
        assert not sys.stdout.isatty()
        assert sys.stdout.encoding == "utf-8"
        sys.stdout.buffer.write("é".encode()[:1])
        sys.stdout.buffer.write("é".encode()[1:])
        sys.stdout.close()
        sys.stdout.flush()
        assert sys.stdout.writable()
        assert "".join(log) == "é"
        with pytest.raises(TypeError, match="bytes"):
            sys.stdout.write(b"bytes")  # type: ignore[arg-type]
