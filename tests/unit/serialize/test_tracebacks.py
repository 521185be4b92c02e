"""The text of tracebacks: all of what Python prints, and never too much."""

import pytest

from engineroom.serialize.failures.tracebacks import message_of, traceback_text


def raised(function, *args):
    try:
        function(*args)
    except BaseException as error:  # noqa: BLE001 -- any
        return error
    raise AssertionError("nothing was raised")


def ping(n):
    return pong(n - 1)


def pong(n):
    if n <= 0:
        raise ValueError("deep")
    return ping(n)


def same(n):
    return same(n - 1) if n else 1 / 0


def test_frames_that_take_turns_are_folded_in_the_middle():
    lines = [line for line in traceback_text(raised(ping, 300)).splitlines() if line.strip(" ~^")]
    assert "in ping" in lines[3]
    assert lines.count("  [... 556 more frames ...]") == 1

    assert lines[-1] == "ValueError: deep"
    assert len(lines) < 160


def test_one_frame_that_repeats_is_folded_as_python_does():
    lines = traceback_text(raised(same, 400)).splitlines()
    assert any(line.startswith("  [Previous line repeated 39") for line in lines)
    assert len(lines) < 30


def test_a_cause_that_is_deep_is_folded_too():
    def chained():
        try:
            ping(300)
        except ValueError as error:
            raise KeyError("k") from error

    text = traceback_text(raised(chained))
    assert "more frames ...]" in text
    assert "direct cause" in text


def test_a_huge_message_is_cut_and_says_so():
    error = raised(int, "x" * 4000)
    assert message_of(error) == str(error)
    huge = ValueError("a" * 500_000 + "z")
    assert len(message_of(huge)) < 10_100
    assert "... 490001 of 500001 characters left out ..." in message_of(huge)
    assert message_of(huge).endswith("z")
    assert len(traceback_text(huge)) < 10_200


def test_huge_messages_of_causes_and_of_members_are_cut_too():
    def chained():
        try:
            raise KeyError("k" * 500_000)
        except KeyError:
            raise ExceptionGroup("several", [ValueError("a" * 500_000), ValueError("b" * 500_000)]) from None

    def whole():
        try:
            chained()
        except ExceptionGroup as error:
            raise ValueError("c" * 500_000) from error

    text = traceback_text(raised(whole))
    assert text.count(" characters left out ...") == 3
    assert len(text) < 35_000


def test_what_no_encoding_has_is_escaped():
    error = ValueError("caf\u00e9 \ud800")
    assert message_of(error) == "caf\u00e9 \\ud800"
    assert traceback_text(error) == "ValueError: caf\u00e9 \\ud800"


class Text(str):
    __slots__ = ()


class Own(Exception):
    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


@pytest.mark.parametrize(("text", "shown"), [(Text("mine"), "mine"), (3, "<Own that can't be printed>")])
def test_a_message_is_a_plain_str(text, shown):
    assert message_of(Own(text)) == shown
    assert type(message_of(Own(text))) is str


def test_a_message_that_raises_hides_no_frame():
    def unprintable():
        raise Own(3)

    lines = traceback_text(raised(unprintable)).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert any("in unprintable" in line for line in lines)


def test_members_of_groups_have_their_tracebacks():
    def grouped():
        raise ExceptionGroup("several", [raised(same, 3), raised(ping, 3)])

    text = traceback_text(raised(grouped))
    assert "ExceptionGroup: several (2 sub-exceptions)" in text
    assert "in same" in text
    assert "in pong" in text
