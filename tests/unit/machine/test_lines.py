"""Lines from bytes that arrive in any pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engineroom.machine.lines import Lines, first_line

texts = st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\n\n", b"{}\n", b""]), max_size=12)


@given(texts)
def test_however_they_are_cut_lines_are_the_same(pieces: list[bytes]) -> None:
    lines = Lines()
    found = [line for piece in pieces for line in lines.take(piece)]
    whole = b"".join(pieces).split(b"\n")
    assert [*found, lines.rest()] == whole
    assert lines.rest() == b""


@given(texts)
def test_the_first_line_is_told_from_what_follows(pieces: list[bytes]) -> None:
    arriving = iter([piece for piece in pieces if piece])
    first, rest = first_line(lambda: next(arriving, b""))
    taken = b"".join(pieces)[: len(b"".join(pieces)) - len(b"".join(arriving))]
    if b"\n" in taken:
        assert taken == first + b"\n" + rest
    else:
        assert (first, rest) == (b"", b"")


def test_what_has_arrived_before_is_the_beginning() -> None:
    assert Lines(b"ab").take(b"c\n") == [b"abc"]
