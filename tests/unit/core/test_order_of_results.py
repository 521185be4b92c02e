"""Results arrive in any order: a long one is overtaken by small ones that its engine ended later."""

from __future__ import annotations

from engineroom.core.events import Large
from engineroom.protocol.messages import Delivered, Finished, Result, Stream
from tests.unit.core.conftest import CLIENT, ENGINE_0
from tests.unit.core.pretend import OK, Play, result, submit, task


def told(play: Play) -> list[Delivered]:
    messages = [getattr(action, "message", None) for action in play.tick(0.05)]
    return [message for message in messages if isinstance(message, Delivered)]


def test_a_long_result_that_was_overtaken_counts(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    body = object()

    assert two.sent(ENGINE_0, Finished(2, task(2), 1, OK)) == [(CLIENT, result(2, 0))]
    [(peer, late)] = two.sent(ENGINE_0, Large(Finished(1, task(1), 1, OK, Stream(1, 9)), body))
    assert (peer, late) == (CLIENT, Result(task(1), 0, OK, Stream(1, 9)))


def test_nobody_is_told_to_forget_what_has_not_arrived(two: Play) -> None:
    two(CLIENT, submit(1, (0, 0)))
    two(ENGINE_0, Finished(2, task(2), 1, OK))
    two(CLIENT, Delivered(0, ((2, 2),)))
    assert told(two) == [Delivered(0, ((2, 2),))]

    two(ENGINE_0, Finished(1, task(1), 1, OK))
    two(CLIENT, Delivered(2))
    assert told(two) == [Delivered(2)]


def test_a_repetition_is_acknowledged_again_if_nobody_waits_for_it(two: Play) -> None:
    two(CLIENT, submit(1, (0,)))
    two(ENGINE_0, Finished(1, task(1), 1, OK))
    assert two.sent(ENGINE_0, Finished(1, task(1), 1, OK)) == []
    assert told(two) == []
    two(CLIENT, Delivered(1))
    assert told(two) == [Delivered(1)]
    two(ENGINE_0, Finished(1, task(1), 1, OK))
    assert told(two) == [Delivered(1)]
