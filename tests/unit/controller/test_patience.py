"""How long a carrier may get nowhere: less if it has not answered at all."""

from __future__ import annotations

from engineroom.controller.copies.patience import Patience, Watch
from engineroom.protocol.streams import OutgoingStreams, Payload, Progress

PATIENCE = Patience(1.0, 10.0)
UNANSWERED = Progress(0, 100, wanted=False, alone=True)


def test_one_that_does_not_answer_is_replaced_soon() -> None:
    watch = Watch(PATIENCE, UNANSWERED, 5.0)
    assert not watch.gets_nowhere(UNANSWERED, 5.9)
    assert watch.gets_nowhere(UNANSWERED, 6.0)


def test_one_to_which_much_else_is_on_its_way_has_more_time_to_answer() -> None:
    busy = UNANSWERED._replace(alone=False)
    watch = Watch(PATIENCE, busy, 5.0)
    assert not watch.gets_nowhere(busy, 14.9)
    assert watch.gets_nowhere(busy, 15.0)


def test_one_that_takes_it_may_be_slow_but_not_stand_still() -> None:
    watch = Watch(PATIENCE, UNANSWERED, 0.0)
    for seconds in range(9, 90, 9):
        assert not watch.gets_nowhere(Progress(seconds, 100, wanted=True, alone=False), seconds)
    stands = Progress(81, 100, wanted=True, alone=False)
    assert not watch.gets_nowhere(stands, 90.9)
    assert watch.gets_nowhere(stands, 91.0)


def test_one_that_has_all_there_is_waits_for_the_client_not_the_others_for_it() -> None:
    watch = Watch(PATIENCE, UNANSWERED, 0.0)
    for seconds in range(1, 100, 9):
        assert not watch.gets_nowhere(Progress(50, 50, wanted=True, alone=True), seconds)


def test_one_that_was_sent_all_has_some_time_to_say_so() -> None:
    watch = Watch(PATIENCE, UNANSWERED, 0.0)
    assert not watch.gets_nowhere(None, 2.0)
    assert not watch.gets_nowhere(None, 11.9)
    assert watch.gets_nowhere(None, 12.0)


def test_one_that_does_not_read_what_its_machine_has_is_replaced_soon_and_a_slow_network_is_not_its_fault() -> None:
    watch, stands = Watch(PATIENCE, UNANSWERED, 0.0), Progress(60, 100, wanted=True, alone=False)
    assert not watch.gets_nowhere(stands, 1.0, received=False)
    assert not watch.gets_nowhere(stands, 9.0, received=True), "the last byte may have come there just now"
    assert not watch.gets_nowhere(stands, 9.5, received=False)
    assert not watch.gets_nowhere(stands, 9.6, received=True)
    assert watch.gets_nowhere(stands, 10.6, received=True)


def test_one_that_goes_on_reading_has_time() -> None:
    watch = Watch(PATIENCE, UNANSWERED, 0.0)
    for seconds in range(1, 20):
        assert not watch.gets_nowhere(Progress(seconds, 100, wanted=True, alone=False), seconds * 0.9, received=True)
    assert not watch.gets_nowhere(None, 20.0, received=True)
    assert watch.gets_nowhere(None, 21.0, received=True)


def test_one_that_has_all_there_is_is_not_to_blame_though_its_machine_has_it() -> None:
    watch = Watch(PATIENCE, UNANSWERED, 0.0)
    for seconds in range(1, 100, 9):
        assert not watch.gets_nowhere(Progress(50, 50, wanted=True, alone=True), seconds, received=True)


def test_the_next_one_has_twice_the_time() -> None:
    watch = Watch(PATIENCE.more(), UNANSWERED, 0.0)
    assert not watch.gets_nowhere(UNANSWERED, 1.9)
    assert watch.gets_nowhere(UNANSWERED, 2.0)


def test_how_far_a_stream_is() -> None:
    outgoing = OutgoingStreams(lambda: None)
    outgoing.credit(0, 100)
    stream = outgoing.open(Payload.of([bytes(60)]))
    assert outgoing.progress(stream) == Progress(0, 60, wanted=False, alone=True)
    other = outgoing.open(Payload.of([bytes(90)]))
    outgoing.credit(other, 90)
    assert outgoing.next_chunk() is not None
    assert outgoing.progress(stream) == Progress(0, 60, wanted=False, alone=False)
    outgoing.credit(0, 90)
    outgoing.credit(stream, 60)
    assert outgoing.progress(stream) == Progress(0, 60, wanted=True, alone=True)
    outgoing.next_chunk()
    assert outgoing.progress(stream) is None
