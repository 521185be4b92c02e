"""What tasks write is kept for clients that are cut off: all of it, as far as it is not too much."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.state.output import TaskOutput
from engineroom.core.bounds import binding
from engineroom.core.events import ClientBehind, ClientGone, ClientUp, EngineUp
from engineroom.core.limits import Limits
from engineroom.core.outputs import PIECE_BYTES
from engineroom.ids import number_of
from engineroom.protocol.messages import Delivered, Display, Displays, Finished, Options, Output, Result, Revoked
from tests.unit.core.conftest import CLIENT, ENGINE_0
from tests.unit.core.pretend import ERROR, OK, Play, instance_id, session_id, submit, task

AGAIN = 50


def piece(seq: int, text: str, *, number: int = 1, attempt: int = 1, stream: int = 1) -> Output:
    return Output(task(number), attempt, stream, seq, text)


def shown(seq: int, *, number: int = 1) -> Display:
    return Display(task(number), 1, Displays.SHOW, seq, b'{"data":{"text/plain":"%d"}}' % seq)


def data(seq: int, content: bytes, *, attempt: int = 1) -> Display:
    return Display(task(1), attempt, Displays.DATA, seq, content)


def told(play: Play, peer: int) -> list[object]:
    """Return the output and results that a client is sent as it comes back."""
    sent = play.sent(peer, ClientUp(session_id()))
    return [message for _, message in sent if isinstance(message, Output | Display | Result)]


def test_a_client_that_comes_back_is_told_all_that_running_tasks_wrote(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    before, after = piece(0, "before"), piece(1, "after")
    two(ENGINE_0, before)
    two(CLIENT, ClientGone())
    assert two.sent(ENGINE_0, after) == []

    assert told(two, AGAIN) == [before, after]


def test_what_a_task_wrote_comes_before_its_end(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    two(CLIENT, ClientGone())
    for number in (1, 2):
        two(ENGINE_0, piece(0, "text", number=number))
        two(ENGINE_0, Finished(number, task(number), 1, OK))

    back = told(two, AGAIN)

    assert [type(message) for message in back] == [Output, Output, Result, Result]
    two(AGAIN, Delivered(1))
    assert [type(message) for message in told(two, AGAIN + 1)] == [Output, Result]
    two(AGAIN + 1, Delivered(2))
    assert told(two, AGAIN + 2) == []
    assert two.state.sessions[session_id()].output_bytes == 0


def test_what_an_engine_says_again_counts_once(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    pieces = [piece(0, "a"), piece(1, "b"), shown(2), piece(3, "x", stream=2)]
    for each in pieces + pieces[:2]:
        two(ENGINE_0, each)

    two(CLIENT, ClientGone())

    assert told(two, AGAIN) == pieces


def test_of_published_values_the_last_ones_are_kept_whatever_else_is_too_much() -> None:
    play = Play(Limits(task_output_bytes=8 * (PIECE_BYTES + 10)))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, submit(1, (0,)))
    sent = [message for seq in range(100) for _, message in play.sent(ENGINE_0, data(seq, b"x" * 9))]
    assert sent == [data(seq, b"x" * 9) for seq in range(100)]
    for seq in range(20):
        play(ENGINE_0, piece(seq, "text"))
    assert play.sent(ENGINE_0, data(99, b"x" * 9)) == [], "said again"
    play(ENGINE_0, data(100, b"last"))
    session = play.state.sessions[session_id()]
    assert session.output_bytes <= 8 * (PIECE_BYTES + 10)
    play(CLIENT, ClientGone())

    assert told(play, AGAIN)[-1] == data(100, b"last")


def test_a_client_that_has_too_much_to_read_is_sent_the_last_values_once_it_has_read(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, ClientBehind(behind=True))
    sent = [message for seq in range(3) for _, message in two.sent(ENGINE_0, data(seq, b"values"))]
    text = piece(0, "text")
    assert [message for _, message in two.sent(ENGINE_0, text)] == [text]
    assert sent == []
    assert (CLIENT, data(2, b"values")) in two.sent(CLIENT, ClientBehind(behind=False))
    assert two.sent(ENGINE_0, data(3, b"live")) == [(CLIENT, data(3, b"live"))]


def test_the_last_values_come_before_the_end_of_their_task(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(CLIENT, ClientBehind(behind=True))
    two(ENGINE_0, data(0, b"first"))
    two(ENGINE_0, data(1, b"last"))
    ended = [message for peer, message in two.sent(ENGINE_0, Finished(1, task(1), 1, OK)) if peer == CLIENT]
    assert [type(message) for message in ended] == [Display, Result]
    assert ended[0] == data(1, b"last")
    assert data(1, b"last") not in [message for _, message in two.sent(CLIENT, ClientBehind(behind=False))]


def test_what_an_earlier_try_published_is_gone(two: Play) -> None:
    two(CLIENT, submit(1, (0,), Options(retries=1)))
    two(ENGINE_0, data(5, b"first"))
    two(ENGINE_0, Finished(1, task(1), 1, ERROR))
    two(ENGINE_0, data(0, b"second", attempt=2))
    two(CLIENT, ClientGone())

    assert told(two, AGAIN) == [data(0, b"second", attempt=2)]


def test_another_try_starts_afresh(two: Play) -> None:
    two(CLIENT, submit(1, (0,), Options(retries=1)))
    two(ENGINE_0, piece(0, "first"))
    two(ENGINE_0, Finished(1, task(1), 1, ERROR))
    second = piece(0, "second", attempt=2)
    two(ENGINE_0, second)
    two(CLIENT, ClientGone())

    assert told(two, AGAIN) == [second]


def test_the_first_and_the_last_are_kept_of_too_much() -> None:
    play = Play(Limits(task_output_bytes=10 * (PIECE_BYTES + 10)))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, submit(1, (0,)))
    play(CLIENT, ClientGone())
    for seq in range(1000):
        play(ENGINE_0, piece(seq, f"{seq:10}"))

    back = told(play, AGAIN)

    assert [message.seq for message in back if isinstance(message, Output)] == [0, 1, 2, 3, 4, 995, 996, 997, 998, 999]


texts = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.text(min_size=1, max_size=400)), max_size=30)


class Story:
    """A client that is cut off and comes back while its three tasks write."""

    def __init__(self, limits: Limits) -> None:
        self.play = Play(limits)
        self.play.connect(CLIENT)
        self.play(ENGINE_0, EngineUp(instance_id(0)))
        self.play(CLIENT, submit(1, (0, 0, 0)))
        self.peer, self.there = CLIENT, True
        self.has = {number: TaskOutput() for number in (1, 2, 3)}
        self.wrote = {number: ["", ""] for number in self.has}
        self.displays: dict[int, list[str]] = {number: [] for number in self.has}
        self.seqs: dict[int, int] = {}

    def cut_or_heal(self) -> None:
        self.there = not self.there
        if self.there:
            self.peer += 40
            for message in told(self.play, self.peer):
                self.take(message)
        else:
            self.play(self.peer, ClientGone())

    def write(self, number: int, stream: int, text: str, *, arrives: bool) -> None:
        seq = self.seqs[number] = self.seqs.get(number, -1) + 1
        if stream == 3:
            self.displays[number].append(str(seq))
        else:
            self.wrote[number][stream - 1] += text
        said = shown(seq, number=number) if stream == 3 else piece(seq, text, number=number, stream=stream)
        for _, message in self.play.sent(ENGINE_0, said):
            if arrives:
                self.take(message)

    def take(self, message: object) -> None:
        assert isinstance(message, Output | Display)
        self.has[number_of(message.task)].add(message)


@given(texts, st.integers(300, 5000), st.integers(300, 9000), st.sets(st.integers(0, 30)), st.data())
def test_a_client_has_all_of_it_or_knows_where_something_is_missing(
    pieces: list[tuple[int, int, str]], limit: int, most: int, cuts: set[int], data: st.DataObject
) -> None:
    story = Story(Limits(task_output_bytes=limit, output_bytes=most))
    for step, (number, stream, text) in enumerate(pieces):
        if step in cuts:
            story.cut_or_heal()
        # What is sent as a connection breaks may be lost.
        story.write(number, stream, text, arrives=step + 1 not in cuts or data.draw(st.booleans()))
    for _ in range(1 + story.there):
        story.cut_or_heal()
    for number, output in story.has.items():
        wrote = story.wrote[number]
        fits = sum(map(len, wrote)) + PIECE_BYTES * 30 < min(limit // 2, most // 3)
        for got, whole in zip((output.stdout, output.stderr), wrote, strict=True):
            first, *rest = got.split("\n[... output is missing here: ")
            assert whole.startswith(first)
            assert got == whole or not fits
            assert got == whole or rest or len(first) < len(whole)
        displays = [each["data"]["text/plain"] for each in output.displays]
        assert displays == story.displays[number] or not fits
        assert displays == [each for each in story.displays[number] if each in displays]


def test_what_ended_tasks_wrote_counts_with_their_results_and_pauses_their_client() -> None:
    size = PIECE_BYTES + 10_000
    play = Play(Limits(kept_bytes=3 * size))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, submit(1, (0,) * 6))
    session = play.state.clients[CLIENT]
    for number in (1, 2, 3):
        play(ENGINE_0, piece(0, "x" * 10_000, number=number))
        assert session.output_bytes == size
        assert not session.paused
        play(ENGINE_0, Finished(number, task(number), 1, OK))
        assert session.output_bytes == 0

    assert session.paused
    assert re.search("its client has not received .* of results and output", binding(play.state)[0])
    for number in (4, 5, 6):
        play(ENGINE_0, Revoked(task(number), 1))
    play(CLIENT, Delivered(2))
    assert not session.paused
    play(CLIENT, Delivered(3))
    assert session.kept_bytes == 0


def test_what_unfinished_tasks_wrote_is_cut_and_that_is_said() -> None:
    play = Play(Limits(output_bytes=30_000, task_output_bytes=20_000))
    play.connect(CLIENT)
    play(ENGINE_0, EngineUp(instance_id(0)))
    play(CLIENT, submit(1, (0, 0, 0)))
    for number in (1, 2, 3):
        for seq in range(10):
            play(ENGINE_0, piece(seq, "x" * 1000, number=number))
    [words] = binding(play.state)
    assert "have written more than 29.3 KiB" in words
    for number in (1, 2, 3):
        play(ENGINE_0, Finished(number, task(number), 1, OK))
    assert binding(play.state) == []


def part(seq: int, *, more: bool) -> Display:
    return Display(task(1), 1, Displays.SHOW, seq, b"x" * 100, seq, more)


def test_of_a_large_display_that_does_not_fit_no_part_more_is_sent_and_the_next_one_is() -> None:
    two = Play(Limits(task_output_bytes=3 * (PIECE_BYTES + 100)))
    two(CLIENT, ClientUp(session_id()))
    two(ENGINE_0, EngineUp(instance_id(0)))
    two(CLIENT, submit(1))
    pieces = [part(seq, more=seq < 4) for seq in range(5)]
    sent = [bool([message for _, message in two.sent(ENGINE_0, piece) if message is piece]) for piece in pieces]
    assert sent == [True, True, True, False, False]
    small = shown(5)
    assert (CLIENT, small) in two.sent(ENGINE_0, small)
