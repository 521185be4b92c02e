"""Published values that are released while the connection breaks."""

from __future__ import annotations

from typing import Any

from engineroom.client.client import Client
from engineroom.client.results.publishing import Published
from engineroom.client.state.released import ReleasedValues
from engineroom.protocol.messages import Function, Released
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


def test_what_was_released_is_said_again_until_it_is_sent_anew() -> None:
    values = ReleasedValues(most=2)
    for digest in (b"a", b"b", b"a", b"c"):
        values.released(digest)
    assert values.again() == [Released(b"a"), Released(b"c")]
    values.sent(b"a")
    values.sent(b"d")
    assert values.again() == values.again() == [Released(b"c")]


def test_a_controller_that_may_not_have_heard_of_a_release_hears_of_it_again(rc: Client, fake: FakeController) -> None:
    def cut() -> None:
        joins = len(fake.joins)
        fake.heard.clear()
        fake.do(fake.cut)
        wait_until(lambda: len(fake.joins) > joins and rc[0].apply_sync(abs, -1) == 1)

    def publish() -> Published[Any]:
        published = rc.publish(list(range(1000)))
        rc[0].apply_async(len, published).wait(SECONDS)  # this controller has no values, but it is sent this one
        return published

    publish().release()
    [part] = [each.hash for each in fake.heard_of(Function) if each.stays]
    wait_until(lambda: fake.heard_of(Released) == [Released(part)])
    cut()
    assert fake.heard_of(Released) == [Released(part)]
    published = publish()
    cut()
    assert fake.heard_of(Released) == [], "it was published anew"
    published.release()
    wait_until(lambda: fake.heard_of(Released) == [Released(part)])
