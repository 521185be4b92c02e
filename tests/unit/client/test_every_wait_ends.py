"""Promise 1: whatever a call waits in, and whatever can't come any more, the wait ends with the reason."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.errors import ConnectionFailed, ControllerLost, EngineroomError, NoEnginesRegistered
from engineroom.protocol.messages import Ask, Outcome, Refused, Signal, Status
from engineroom.protocol.questions import AskQueues
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController, connected

ENDS = "there are no engines left (engine 0: exit code 3; engine 1: killed by SIGSEGV)"


async def awaited(future: Any) -> Any:
    return await future


CALLS: dict[str, Callable[[Client], Any]] = {
    "get": lambda rc: rc.load_balanced_view().apply_async(abs, -1).get(),
    "result": lambda rc: rc.load_balanced_view().apply_async(abs, -1).result(),
    "apply_sync": lambda rc: rc.load_balanced_view().apply_sync(abs, -1),
    "map_sync": lambda rc: rc.load_balanced_view().map_sync(abs, [-1, -2, -3], chunksize=1),
    "iteration": lambda rc: list(rc.load_balanced_view().map_async(abs, [-1, -2, -3], chunksize=1)),
    "unordered": lambda rc: list(rc.load_balanced_view().map_async(abs, [-1, -2, -3], ordered=False)),
    "imap": lambda rc: list(rc.load_balanced_view().imap(abs, [-1, -2, -3])),
    "unordered imap": lambda rc: list(rc.load_balanced_view().imap(abs, [-1, -2, -3], ordered=False)),
    "an executor": lambda rc: rc.executor().submit(abs, -1).result(),
    "an executor's map": lambda rc: list(rc.executor().map(abs, [-1, -2])),
    "as_completed": lambda rc: [
        future.result() for future in concurrent.futures.as_completed([rc.executor().submit(abs, -1)])
    ],
    "await": lambda rc: asyncio.run(awaited(rc.load_balanced_view().apply_async(abs, -1))),
    "wrap_future": lambda rc: asyncio.run(wrapped(rc.load_balanced_view().apply_async(abs, -1))),
    "wait": lambda rc: [rc.wait([ar := rc.load_balanced_view().apply_async(abs, -1)]), ar.get(0)],
    "AsyncResult.wait": lambda rc: [(ar := rc.load_balanced_view().apply_async(abs, -1)).wait(), ar.get(0)],
}
DIRECT: dict[str, Callable[[Client], Any]] = {
    "push": lambda rc: rc[:].push({"a": 1}, block=True),
    "pull": lambda rc: rc[:].pull("a", block=True),
    "execute": lambda rc: rc[:].execute("a = 1", block=True).get(),
    "a single target": lambda rc: rc[0].apply_sync(abs, -1),
    "a map of engines": lambda rc: rc[:].map_sync(abs, [-1, -2]),
    "gather": lambda rc: rc[:].gather("a").get(),
}
QUESTIONS: dict[str, Callable[[Client], Any]] = {
    "queue_status": lambda rc: rc.queue_status(),
    "send_signal": lambda rc: rc.send_signal("USR1"),
    "wait_for_engines": lambda rc: rc.wait_for_engines(5, interactive=False),
    "wait_for_engines in the background": lambda rc: rc.wait_for_engines(5, block=False).result(),
}
ALL = CALLS | DIRECT | QUESTIONS


async def wrapped(future: Any) -> Any:
    return await asyncio.wrap_future(future)


class Silent(FakeController):
    """A controller that hears and answers nothing, but where it is asked how a start goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.holding = True

    def on_messages(self, messages: list[Any]) -> None:
        silent = [message for message in messages if _is_question(message)]
        self.heard += silent
        super().on_messages([message for message in messages if message not in silent])

    def ends_all(self, status: Status, words: str) -> None:
        """End all tasks alike; in the client's loop."""
        held, self.held = self.held, []
        for submit, _ in held:
            self.result(submit.task, Outcome(status, 0.0, 0.0, words))


def _is_question(message: Any) -> bool:
    return isinstance(message, Signal) or (isinstance(message, Ask) and isinstance(message.question, AskQueues))


@pytest.fixture
def silent() -> FakeController:
    return Silent()


@pytest.fixture
def patient(silent: Silent) -> Iterator[Client]:
    with connected(silent, reconnect_timeout=0.05) as rc:
        yield rc


class Waiting:
    """A call in another thread."""

    def __init__(self, call: Callable[[Client], Any], rc: Client) -> None:
        self.error: BaseException | None = None
        self._call, self._rc = call, rc
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._call(self._rc)
        except BaseException as error:  # noqa: BLE001 (whatever it is, the test looks at it)
            self.error = error

    def ended(self) -> BaseException | None:
        self._thread.join(SECONDS)
        assert not self._thread.is_alive(), "it still waits"
        return self.error


def begun(form: str, rc: Client, silent: Silent) -> Waiting:
    """Begin to wait, and return once the controller, if it is asked for something, has heard of it."""
    before = len(silent.heard)
    waiting = Waiting(ALL[form], rc)
    if not form.startswith("wait_for_engines"):
        assert wait_until(lambda: len(silent.held) > 0 or len(silent.heard) > before)
    return waiting


def stops(silent: Silent) -> None:
    silent.do(silent.send, Refused("the cluster was stopped"))


def stays_away(silent: Silent) -> None:
    silent.reachable = False
    silent.do(silent.cut)


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("end", [stops, stays_away])
def test_when_the_controller_goes_while_it_waits(
    form: str, end: Callable[[Silent], None], patient: Client, silent: Silent
) -> None:
    waiting = begun(form, patient, silent)

    end(silent)

    error = waiting.ended()
    assert isinstance(error, ControllerLost)
    assert "the cluster was stopped" in str(error) or "could not reconnect within 0.05 s" in str(error)


@pytest.mark.parametrize("form", ALL)
def test_when_the_client_is_closed_while_it_waits(form: str, patient: Client, silent: Silent) -> None:
    waiting = begun(form, patient, silent)

    patient.close()

    error = waiting.ended()
    assert isinstance(error, ConnectionFailed)
    assert "closed" in str(error)


@pytest.mark.parametrize("form", ALL)
def test_when_the_controller_was_gone_before(form: str, patient: Client, silent: Silent) -> None:
    stays_away(silent)
    assert wait_until(lambda: repr(patient) == "<Client: closed>")

    with pytest.raises(ControllerLost, match="could not reconnect"):
        ALL[form](patient)


@pytest.mark.parametrize("form", ALL)
def test_when_the_client_was_closed_before(form: str, patient: Client) -> None:
    patient.close()

    with pytest.raises(ConnectionFailed, match="closed"):
        ALL[form](patient)


@pytest.mark.parametrize("form", CALLS)
def test_when_no_engine_is_left(form: str, patient: Client, silent: Silent) -> None:
    waiting = begun(form, patient, silent)
    silent.do(silent.leave, 0, "exit code 3")
    silent.do(silent.leave, 1, "killed by SIGSEGV")

    def end_all() -> bool:
        silent.do(silent.ends_all, Status.NO_ENGINE, ENDS)
        return not waiting._thread.is_alive()

    assert wait_until(end_all)
    error = waiting.ended()
    assert isinstance(error, NoEnginesRegistered)
    assert (
        str(error) == f"{ENDS}. Start engines with `ipcluster engines -n 2`, or see what happened with `ipcluster why`"
    )


@pytest.mark.parametrize("form", [*DIRECT, "queue_status", "send_signal"])
def test_what_needs_an_engine_and_there_is_none(form: str, patient: Client, silent: Silent) -> None:
    silent.do(silent.leave, 0, "exit code 3")
    silent.do(silent.leave, 1, "killed by SIGSEGV")
    assert wait_until(lambda: patient.ids == [])
    if form == "queue_status":
        silent.do(silent.send, Refused("the cluster was stopped"))

    with pytest.raises(EngineroomError) as caught:
        ALL[form](patient)
    if form != "queue_status":
        assert isinstance(caught.value, NoEnginesRegistered)
        assert str(caught.value).startswith(ENDS)


def test_a_map_that_ended_the_last_engine_says_which_task_did(patient: Client, silent: Silent) -> None:
    ar = patient.load_balanced_view().map_async(abs, [-1, -2], chunksize=1)
    assert wait_until(lambda: len(silent.held) == 2)
    first = silent.held.pop(0)[0]
    silent.do(silent.result, first.task, Outcome(Status.LOST, 0.0, 0.0, "this task was running when engine 0 died"))
    silent.do(silent.ends_all, Status.NO_ENGINE, ENDS)

    with pytest.raises(NoEnginesRegistered, match="there are no engines left") as caught:
        ar.get(SECONDS)
    assert "this task was running" in str(caught.value.__cause__)


@pytest.mark.parametrize("form", CALLS)
def test_before_an_engine_has_joined_every_wait_says_so_once(
    form: str, silent: Silent, caplog: pytest.LogCaptureFixture
) -> None:
    silent.engines = []
    with connected(silent, patience=0.02) as rc, caplog.at_level(logging.WARNING):
        waiting = begun(form, rc, silent)
        assert wait_until(lambda: "no engine has joined this cluster yet" in caplog.text)
        silent.engines = [0, 1]
        silent.do(silent.join, 0)
        silent.do(silent.join, 1)
        silent.holding = False

        def go_on() -> bool:
            silent.do(silent._answer, len(silent.held))
            return not waiting._thread.is_alive()

        assert wait_until(go_on)
        assert waiting.ended() is None
    assert caplog.text.count("no engine has joined") == 1
    assert "`ipcluster engines -n 4`" in caplog.text


def test_at_a_terminal_it_is_shown(
    silent: Silent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engineroom.client.progress.audience.somebody_looks", lambda: True)
    silent.engines = []
    with connected(silent, patience=0.02) as rc:
        assert not rc.load_balanced_view().apply_async(abs, -1).wait(0.2)
    assert capsys.readouterr().err.startswith("engineroom: no engine has joined this cluster yet: ")


def test_a_controller_that_is_away_is_told_of(silent: Silent, caplog: pytest.LogCaptureFixture) -> None:
    with connected(silent, patience=0.02, reconnect_timeout=SECONDS) as rc, caplog.at_level(logging.WARNING):
        waiting = begun("queue_status", rc, silent)
        stays_away(silent)
        assert wait_until(lambda: "lost the connection to the controller (" in caplog.text)
        silent.do(silent.ends_all, Status.OK, "")
        rc.close()
        assert isinstance(waiting.ended(), ConnectionFailed)


def test_where_engines_are_only_busy_nothing_is_said(silent: Silent, caplog: pytest.LogCaptureFixture) -> None:
    with connected(silent, patience=0.02) as rc, caplog.at_level(logging.WARNING):
        assert not rc.load_balanced_view().apply_async(abs, -1).wait(0.2)
    assert silent.held
    assert caplog.text == ""
