"""What tasks write is shown when their results are read, once, if the user wants that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.client.showing import wanted
from engineroom.client.showing.wanted import Shows
from engineroom.ids import number_in
from engineroom.protocol.messages import Displays, Output
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController, tasks_of
from tests.unit.client.speaking import Speaking


@pytest.fixture
def speaking(fake: FakeController, rc: Client, session: Session) -> Speaking:
    return Speaking(fake, rc, session)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a person look at stderr."""
    monkeypatch.setattr("engineroom.client.showing.at_waits.somebody_looks", lambda: True)


@pytest.mark.parametrize("read", ["get", "result", "wait", "__iter__", "r"])
def test_output_is_shown_once_when_results_are_read(
    speaking: Speaking, rc: Client, capsys: pytest.CaptureFixture[str], read: str
) -> None:
    rc.show_output = True
    speaking.text(0, "one\n")
    speaking.text(1, "one\n")
    speaking.end()
    for _ in range(2):
        found = getattr(speaking.result, read)
        list(found() if read == "__iter__" else [] if read == "r" else [found()])
    assert capsys.readouterr().out == "[stdout:0-1] one\n"


def test_a_wait_that_takes_too_long_shows_what_there_is_and_the_next_one_the_rest(
    speaking: Speaking, rc: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    rc.show_output = True
    speaking.text(0, "early\n")
    assert not speaking.result.wait(0.3)
    assert capsys.readouterr().out == "[stdout:0] early\n"
    speaking.text(0, "late\n")
    speaking.end()
    speaking.result.get(SECONDS)
    assert capsys.readouterr().out == "[stdout:0] late\n"


@pytest.mark.parametrize("read", ["get", "stream"])
def test_where_nothing_is_to_be_live_all_output_comes_at_the_end(
    speaking: Speaking, rc: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], read: str
) -> None:
    monkeypatch.setenv("IPP_NONINTERACTIVE", "1")
    rc.show_output = read == "get"
    speaking.text(0, "early\n")
    with speaking.result.stream_output() if read == "stream" else nullcontext():
        speaking.has_heard(0, "early")
        assert not speaking.result.wait(0.3)
        assert capsys.readouterr() == ("", "")
        speaking.text(0, "late\n")
        speaking.text(1, "early\nlate\n")
        speaking.end()
        speaking.result.get(SECONDS)
    assert capsys.readouterr() == ("[stdout:0-1]\nearly\nlate\n", "")


def test_output_is_shown_while_a_call_waits(speaking: Speaking, rc: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rc.show_output = True

    class Ending:
        """A stream whose first text ends the tasks."""

        def write(self, text: str) -> None:
            assert text == "[stdout:0] first\n"
            speaking.end()

    monkeypatch.setattr(sys, "stdout", Ending())
    speaking.text(0, "first\n")
    assert speaking.result.get(SECONDS) == ["1", "1"]


@pytest.mark.usefixtures("looks")
def test_what_is_asked_for_is_not_shown_again(
    speaking: Speaking, rc: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    rc.show_output = True
    speaking.text(0, "one\n")
    speaking.end()
    speaking.result.display_outputs()
    speaking.result.get(SECONDS)
    assert capsys.readouterr().out == "[stdout:0] one\n"


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize("show", [None, False])
def test_what_calls_print_is_not_shown_unless_it_is_wanted(
    speaking: Speaking, rc: Client, capsys: pytest.CaptureFixture[str], show: bool | None
) -> None:
    rc.show_output = show
    speaking.text(0, "one\n")
    speaking.end()
    speaking.result.get(SECONDS)
    assert capsys.readouterr() == ("", "")


@contextmanager
def noisy_map(fake: FakeController, rc: Client, session: Session) -> Iterator[Any]:
    """A map of ten items, of which each task but the last prints a line."""
    fake.holding = True
    result = rc.load_balanced_view().map_async(abs, range(10), chunksize=2)
    assert wait_until(lambda: fake._whole() == 5)
    for submit, _ in fake.held[:4]:
        for name in tasks_of(submit):
            fake.do(fake.send, Output(name, 1, 1, 0, f"task {number_in(session.id, name)}\n"))
    fake.do(fake.go_on)
    yield result


TOLD = "4 tasks wrote output: ar.display_outputs() shows it. To see it in future, set rc.show_output = True\n"


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize("read", ["get", "iterate"])
def test_of_a_map_one_line_says_that_there_is_output(
    fake: FakeController, rc: Client, session: Session, capsys: pytest.CaptureFixture[str], read: str
) -> None:
    with noisy_map(fake, rc, session) as result:
        for _ in range(2):
            assert (list(result) if read == "iterate" else result.get(SECONDS)) == list(range(10))
    assert capsys.readouterr() == ("", TOLD)


def test_where_nobody_looks_nothing_is_said_of_maps(
    fake: FakeController, rc: Client, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    with noisy_map(fake, rc, session) as result:
        result.get(SECONDS)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize("read", ["get", "iterate"])
def test_all_that_a_map_prints_is_shown_if_that_is_wanted(
    fake: FakeController, rc: Client, session: Session, capsys: pytest.CaptureFixture[str], read: str
) -> None:
    rc.show_output = True
    with noisy_map(fake, rc, session) as result:
        assert (list(result) if read == "iterate" else result.get(SECONDS)) == list(range(10))
    said = capsys.readouterr()

    assert all(said.out.count(f"task {number}\n") == 1 for number in range(1, 5))
    assert not said.err


@pytest.mark.parametrize(
    ("notebook", "silent", "show", "expected"),
    [
        (False, False, None, Shows.THAT_THERE_IS_SOME),
        (True, False, None, Shows.CELLS),
        (True, True, None, Shows.CELLS),
        (False, True, None, Shows.NOTHING),
        (True, False, False, Shows.NOTHING),
        (False, True, True, Shows.ALL),
    ],
)
def test_what_is_shown_follows_from_where_this_runs(
    monkeypatch: pytest.MonkeyPatch, notebook: bool, silent: bool, show: bool | None, expected: Shows
) -> None:
    monkeypatch.setattr(wanted, "in_notebook", lambda: notebook)
    monkeypatch.setattr(wanted, "silenced", lambda: silent)
    assert wanted.shows(show) is expected


def test_in_a_notebook_cells_show_their_output(
    fake: FakeController, rc: Client, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.shows = Shows.CELLS
    speaking = Speaking(fake, rc, session, code="print('one')")
    speaking.text(0, "one\n")
    speaking.end()
    speaking.result.get(SECONDS)
    assert capsys.readouterr().out == "[stdout:0] one\n"


VALUE = {"data": {"text/plain": "7"}, "metadata": {}, "transient": {}, "execution_count": 3}


@pytest.mark.parametrize(("read", "shown"), [("get", ""), ("result", ""), ("wait", "Out[0:3]: 7\n")])
def test_values_of_cells_are_shown_where_they_are_not_returned(
    fake: FakeController, rc: Client, session: Session, capsys: pytest.CaptureFixture[str], read: str, shown: str
) -> None:
    session.shows = Shows.CELLS
    speaking = Speaking(fake, rc, session, code="7")
    speaking.show(0, Displays.RESULT, **VALUE)
    speaking.text(0, "one\n")
    speaking.has_heard(0, "one")
    speaking.end()
    getattr(speaking.result, read)(SECONDS)
    assert sorted(capsys.readouterr().out.splitlines(keepends=True)) == sorted(
        filter(None, [shown, "[stdout:0] one\n"])
    )


@pytest.mark.parametrize("show", [None, True])
def test_errors_show_no_frames_of_ours_when_output_is_shown(rc: Client, show: bool | None) -> None:
    rc.show_output = show
    for read in (
        lambda: rc[:].apply_async(int, "x").get(SECONDS),
        lambda: rc[0].apply_async(int, "x").result(SECONDS),
        lambda: rc[0].apply_async(int, "x").get(SECONDS, progress=False),
        lambda: list(rc[:].apply_async(int, "x")),
        lambda: rc.load_balanced_view().map_async(int, "x").get(SECONDS),
    ):
        with pytest.raises(ValueError, match="invalid literal") as caught:
            read()
        assert {Path(entry.path).name for entry in caught.traceback} == {Path(__file__).name}
