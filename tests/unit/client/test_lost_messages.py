"""The connection breaks just as a client has written a message, which is lost: what becomes of what it was to do.

There is a story of each kind of message. The controller is a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import pytest

from engineroom.client.client import Client
from engineroom.errors import EngineroomError
from engineroom.protocol import messages as m
from engineroom.serialize.payloads import pack
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.losing import LosingController, started
from tests.unit.controller.conversations import Somebody

OF_A_CONNECTION = {m.Credit, m.Cancel, m.Borrowed, m.Ping, m.Pong, m.Goodbye}
"""These are about a connection, or what it carries, and nothing once it is over."""

LARGE = bytearray(2 << 20)

Story = Callable[["LosingController", Client], object]
STORIES: dict[type, Story] = {}


def story(kind: type) -> Callable[[Story], Story]:
    """Have a story told in which the first message of `kind` is lost."""

    def told(tell: Story) -> Story:
        assert STORIES.setdefault(kind, tell) is tell
        return tell

    return told


@pytest.fixture
def there(tmp_path: Path) -> LosingController:
    return LosingController(tmp_path)


@pytest.fixture
def rc(there: LosingController) -> Iterator[Client]:
    rc = started(there)
    with rc:
        yield rc
        there.controller.state.check()
        rc._session._io.run(there.controller.stop())


def test_there_is_a_story_of_each_kind() -> None:
    assert set(STORIES) | OF_A_CONNECTION == set(get_args(m.FromClient))


@pytest.mark.parametrize("kind", STORIES, ids=lambda kind: str(kind.__name__))
def test_what_was_lost_has_its_effect_when_the_client_is_back(kind: type, there: LosingController, rc: Client) -> None:
    STORIES[kind](there, rc)
    assert wait_until(there.has_lost)


def pulls(there: LosingController, rc: Client, number: int) -> Any:
    """Return the result of a task, of this number, that the engine has."""
    result = rc[0].pull("x", block=False)
    there.runs(number)
    return result


@story(m.Submit)
def a_call_runs_once(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Submit)
    result = pulls(there, rc, 1)
    there.ends(1, 7)
    assert result.get(SECONDS) == 7


@story(m.Function)
def a_call_has_its_function(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Function)
    result = rc[0].apply_async(lambda: 1)
    assert there.runs(1).call.function in there.functions()
    there.ends(1, 1)
    assert result.get(SECONDS) == 1


def publishes(there: LosingController, rc: Client) -> Any:
    published = rc.publish(list(range(1000)))
    result = rc[0].apply_async(len, published)
    there.ends(1, 1000)
    assert result.get(SECONDS) == 1000
    assert len(there.published) == 1
    return published


@story(m.Released)
def a_released_value_is_let_go(there: LosingController, rc: Client) -> None:
    published = publishes(there, rc)
    there.losses.append(m.Released)
    published.release()
    assert wait_until(lambda: not there.published and there.sent(m.Released))


@story(m.HoldsPublished)
def a_value_that_is_needed_is_not_let_go(there: LosingController, rc: Client) -> None:
    published = publishes(there, rc)
    there.losses += [m.Ask, m.HoldsPublished]
    rc.queue_status()
    assert not published.released
    assert len(there.published) == 1
    assert not there.sent(m.Released)


@story(m.Sync)
def a_client_whose_connection_breaks_once_more_says_all_of_it_again(there: LosingController, rc: Client) -> None:
    published = publishes(there, rc)
    there.losses += [m.Released, m.Sync]
    published.release()
    assert wait_until(lambda: not there.published and there.sent(m.Released))


@story(m.Keep)
def a_call_is_kept(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Keep)
    rc[:].push({"x": 1}, keep=True, block=False)
    assert wait_until(lambda: list(there.session.kept) == [1])


@story(m.Forget)
def a_call_that_is_forgotten_is_kept_no_longer(there: LosingController, rc: Client) -> None:
    for value in (1, 2):
        rc[:].push({f"x{value}": value}, keep=True, block=False)
    assert wait_until(lambda: list(there.session.kept) == [1, 2])
    there.losses.append(m.Forget)
    rc.forget(1)
    assert wait_until(lambda: list(there.session.kept) == [2])


@story(m.Abort)
def an_aborted_task_is_withdrawn(there: LosingController, rc: Client) -> None:
    kept, unwanted = pulls(there, rc, 1), pulls(there, rc, 2)
    there.losses.append(m.Abort)
    unwanted.abort()
    assert wait_until(lambda: there.sent(m.Withdraw))
    [asked] = there.sent(m.Withdraw)
    there.do(there.engine.say, m.Withdrawn(asked.attempts))
    unwanted.wait(SECONDS)
    assert (unwanted.done(), kept.done()) == (True, False)


@story(m.Delivered)
def a_result_is_acknowledged(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Delivered)
    result = pulls(there, rc, 1)
    there.ends(1, 7)
    assert result.get(SECONDS) == 7
    assert wait_until(lambda: there.sent(m.Delivered) and not there.session.results)


@story(m.Staying)
def a_result_that_was_to_stay_is_acknowledged(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Staying)
    result = pulls(there, rc, 1)
    there.ends(1, LARGE)
    result.wait(SECONDS)
    assert wait_until(lambda: there.has_lost() and not there.session.results)


@story(m.Attach)
def a_client_attaches_to_a_call(there: LosingController, rc: Client) -> None:
    others = submits(there)
    there.losses.append(m.Attach)
    attached = rc.attach(others)
    assert wait_until(lambda: there.session.watching)
    end(there, others)
    assert attached.get(SECONDS) == 5


def submits(there: LosingController) -> str:
    """Have another client submit a call to the engine; return the id of its task."""
    somebody: list[Somebody] = []

    def submit() -> None:
        other = Somebody(there.controller, "client")
        other.say(m.Submit(other.task(1), m.Call(m.Kind.PULL, b"", pack("x")), there.engine.identity))
        somebody.append(other)

    there.do(submit)
    assert wait_until(lambda: there.sent(m.Run))
    return f"{somebody[0].identity.hex()}_1"


def end(there: LosingController, task: str) -> None:
    """End the call of another client."""
    [run] = there.sent(m.Run)
    assert task
    there.do(there.engine.say, m.Finished(1, run.task, run.attempt, m.Ran(m.Status.OK, 1.0, 0.0), pack(5)))


@story(m.Detach)
def a_client_that_leaves_a_call_is_sent_no_more_of_it(there: LosingController, rc: Client) -> None:
    others = submits(there)
    attached = rc.attach(others)
    assert wait_until(lambda: there.session.watching)
    there.losses.append(m.Detach)
    end(there, others)
    assert attached.get(SECONDS) == 5
    assert wait_until(lambda: there.has_lost() and not there.session.watching)


@story(m.Ask)
def a_question_is_answered(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Ask)
    assert rc.queue_status()["unassigned"] == 0


@story(m.Signal)
def of_a_signal_its_sender_is_told(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Signal)
    with pytest.raises(EngineroomError, match="was lost before it said whether the signal was sent: look, and then"):
        rc.send_signal("SIGUSR1", 0)


@story(m.Restart)
def of_a_restart_its_sender_is_told(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Restart)
    with pytest.raises(EngineroomError, match="was lost before it said whether engines are restarted"):
        rc.shutdown(0, restart=True, block=False)


@story(m.Shutdown)
def an_engine_ends(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Shutdown)
    with ThreadPoolExecutor(1) as thread:
        shut = thread.submit(rc.shutdown, 0, block=True)
        assert wait_until(lambda: there.sent(m.Shutdown))
        there.do(there.engine.connection.close, "it ends")
        shut.result(SECONDS)
    assert rc.ids == []


def test_a_controller_that_was_to_end_ends(there: LosingController, rc: Client) -> None:
    there.losses.append(m.Shutdown)
    rc.shutdown(hub=True)
    assert wait_until(lambda: there.controller.stop_reason == "shut down by a client")


def test_a_result_whose_stay_is_over_is_let_go_though_an_earlier_task_goes_on(
    there: LosingController, rc: Client
) -> None:
    earlier, result = pulls(there, rc, 1), pulls(there, rc, 2)
    there.ends(2, LARGE)
    assert wait_until(lambda: list(there.session.staying) == [2])
    there.losses.append(m.Delivered)
    assert len(result.get(SECONDS)) == len(LARGE)
    assert wait_until(lambda: there.has_lost() and not there.session.staying)
    assert not there.session.results
    assert not earlier.done()
