"""What comms say goes out for as long as a task runs, at a rate that its client can follow."""

from __future__ import annotations

from engineroom.engine.comm_flow import BURST, MOST_WAITING, RATE, CommFlow, without_old_comms
from engineroom.engine.task_output import TaskOutput
from engineroom.protocol.messages import Display, Displays, Output

KEY = (b"t" * 20, 1)
MESSAGE = b"x" * (1024 - 256)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_progress_bar_goes_on_for_an_hour() -> None:
    clock = Clock()
    flow = CommFlow(clock)
    for _ in range(36_000):
        clock.now += 0.1
        assert flow.fits(Displays.COMM_MSG, MESSAGE * 10)


def test_a_flood_goes_out_as_time_passes_and_its_end_is_not_lost() -> None:
    clock = Clock()
    flow = CommFlow(clock)
    went = sum(flow.fits(Displays.COMM_MSG, MESSAGE) for _ in range(30_000))
    assert went == BURST // 1024
    assert flow.take(end=False) == []
    clock.now += 1
    assert len(flow.take(end=False)) == RATE // 1024
    assert not flow.fits(Displays.COMM_CLOSE, b"last")
    rest = flow.take(end=True)
    assert rest[-1] == (Displays.COMM_CLOSE, b"last")
    assert len(rest) <= MOST_WAITING // 1024


def test_a_large_message_goes_out_and_others_soon_after_it() -> None:
    clock = Clock()
    flow = CommFlow(clock)
    large, small = (Displays.COMM_MSG, bytes(3 * BURST)), (Displays.COMM_MSG, b"small")
    assert flow.fits(*large)
    clock.now += 0.1
    assert flow.fits(*small)
    assert [flow.fits(*large), flow.fits(*small)] == [False, False]
    assert flow.take(end=False) == []
    clock.now += BURST / RATE
    assert flow.take(end=False) == [large]
    clock.now += 0.1
    assert flow.take(end=False) == [small]


def test_what_was_said_by_comms_is_forgotten_in_the_end_and_text_is_not() -> None:
    said: list[Output | Display] = []
    for number in range(5000):
        said.append(Display(*KEY, Displays.COMM_MSG, 2 * number, MESSAGE))
        said.append(Output(*KEY, 1, 2 * number + 1, "text"))
    kept, size = without_old_comms(said)
    assert size == BURST // 2
    assert sum(isinstance(message, Output) for message in kept) == 5000
    assert kept == sorted(kept, key=lambda message: message.seq)
    assert kept[-2:] == said[-2:]


def test_the_memory_of_a_task_that_says_much_over_comms_is_bounded() -> None:
    output = TaskOutput(1000)
    output.write(1, "before")
    for _ in range(20):
        for _ in range(1000):
            output.show(Displays.COMM_MSG, MESSAGE)
        output.take(KEY)
    messages = output.take(KEY, end=True)
    assert output.size <= BURST + 1000
    assert messages[-1].seq == output.said[-1].seq
    assert isinstance(output.said[0], Output)


def test_displays_do_not_wait_for_comms() -> None:
    output = TaskOutput(1000)
    for _ in range(5000):
        output.show(Displays.COMM_MSG, MESSAGE)
    output.show(Displays.SHOW, b"{}")
    assert Displays.SHOW in [message.kind for message in output.take(KEY) if isinstance(message, Display)]
