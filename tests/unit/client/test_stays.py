"""Which results calls can name though they are here, and what the controller is told of them."""

from __future__ import annotations

import pytest

from engineroom.client.connection.acknowledgements import Acknowledgements
from engineroom.client.state.pins import Pins
from engineroom.client.state.stays import LEAST, Stay
from engineroom.protocol.messages import Delivered, Staying


@pytest.fixture
def pins() -> Pins:
    pins = Pins()
    pins.end_stays(4 * LEAST)
    return pins


def arrive(pins: Pins, acknowledgements: Acknowledgements, number: int, size: int = LEAST) -> Stay | None:
    acknowledgements.add(number)
    return pins.begin_stay(number, size)


def test_a_result_that_stays_is_acknowledged_once_it_is_read_and_no_call_takes_it(pins: Pins) -> None:
    told: list[None] = []
    pins.tell = lambda: told.append(None)
    acknowledgements = Acknowledgements(lambda: 4, pins)
    stay = arrive(pins, acknowledgements, 2)
    acknowledgements.add_all((1, 3))
    assert acknowledgements.take() == [Staying(((2, 2),)), Delivered(1, ((3, 3),))]
    assert not acknowledgements

    assert 2 in pins.stays
    pins.hold(2, None)
    del stay
    assert told == [None]
    assert acknowledgements
    assert acknowledgements.take() == [Delivered(1)]
    assert 2 not in pins.stays

    pins.release((2,))
    assert acknowledgements.take() == [Delivered(3)]


def test_of_a_result_that_is_read_at_once_nothing_is_said_but_that_it_is_here(pins: Pins) -> None:
    acknowledgements = Acknowledgements(lambda: 2, pins)
    stay = arrive(pins, acknowledgements, 1)
    del stay
    assert acknowledgements.take() == [Delivered(1)]


def test_the_oldest_go_for_new_ones_but_those_that_calls_take(pins: Pins) -> None:
    acknowledgements = Acknowledgements(lambda: 10, pins)
    stays = [arrive(pins, acknowledgements, number) for number in (1, 2, 3, 4)]
    pins.hold(1, None)
    stays.append(arrive(pins, acknowledgements, 5, 2 * LEAST))
    assert pins.stays.all() == [1, 4, 5]
    assert acknowledgements.take() == [Staying(((1, 1), (4, 5))), Delivered(0, ((2, 3),))]

    for number in (4, 5):
        pins.hold(number, None)
    assert arrive(pins, acknowledgements, 6) is None
    stays.clear()
    acknowledgements.take()
    assert arrive(pins, acknowledgements, 7) is None  # the calls have what they take
    pins.release((1, 4, 5))
    assert arrive(pins, acknowledgements, 8) is not None


def test_short_results_and_those_that_no_controller_would_keep_do_not_stay(pins: Pins) -> None:
    assert pins.begin_stay(1, LEAST - 1) is None
    assert pins.begin_stay(1, 4 * LEAST + 1) is None
    pins.end_stays(0)
    assert pins.begin_stay(1, LEAST) is None


def test_another_connection_begins_with_none(pins: Pins) -> None:
    acknowledgements = Acknowledgements(lambda: 3, pins)
    stays = [arrive(pins, acknowledgements, number) for number in (1, 2)]
    pins.hold(2, None)
    acknowledgements.take()
    pins.end_stays(LEAST)
    assert not pins.stays.all()
    assert acknowledgements.take() == [Delivered(1)]
    stays.clear()
    pins.release((2,))
    assert acknowledgements.take() == [Delivered(2)]
