"""What clients, views and results show of themselves, and timelines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom import AsyncResult, Client
from engineroom.client.client import client_of
from engineroom.client.engines import pictured
from engineroom.client.pictures.merging import Bar, merged
from engineroom.client.pictures.tables import table
from engineroom.client.pictures.timeline import Timeline
from engineroom.protocol.messages import EngineInfo, TasksStarted
from engineroom.protocol.questions import EngineQueue, Queues
from engineroom.protocol.task_ranges import one_task
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController, connected, started

SVG = "{http://www.w3.org/2000/svg}"


def bars_of(drawn: Timeline) -> list[ET.Element]:
    """Return the bars that a picture has, those with a title."""
    return [each for each in ET.fromstring(drawn.svg()).iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]


tasks = st.builds(
    lambda lane, start, seconds, state, name: Bar(lane, start, start + seconds, state, name, name, busy=seconds),
    st.integers(0, 5),
    st.floats(1e9, 1e9 + 100),
    st.floats(0, 50),
    st.sampled_from(["ok", "running", "aborted", "lost", "error"]),
    st.text(max_size=40),
)


@given(st.lists(tasks, max_size=60), st.floats(0, 60))
def test_merging_loses_no_task_no_failure_and_no_busy_second(bars: list[Bar], least: float) -> None:
    for lane in range(6):
        before = [bar for bar in bars if bar.lane == lane]
        after = list(merged(before, least))
        assert sum(bar.tasks for bar in after) == len(before)
        assert sum(bar.failures for bar in after) == sum(bar.failures for bar in before)
        assert sum(bar.busy for bar in after) == pytest.approx(sum(bar.busy for bar in before))
        assert min((bar.start for bar in after), default=0) == min((bar.start for bar in before), default=0)
        assert max((bar.end for bar in after), default=0) == max((bar.end for bar in before), default=0)


@given(st.lists(tasks, max_size=60))
def test_a_picture_is_valid_and_its_bars_are_inside(bars: list[Bar]) -> None:
    drawn = Timeline(bars, name="<map> & more", waiting=2)
    root = ET.fromstring(drawn.svg())
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for bar in bars_of(drawn):
        assert 0 <= float(bar.attrib["x"]) <= float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width + 1
        assert 0 <= float(bar.attrib["y"]) <= float(bar.attrib["y"]) + float(bar.attrib["height"]) <= height
    assert len(drawn) == len(bars)
    assert "2 not started" in repr(drawn)


@pytest.mark.parametrize("engines", [1, 64, 3000])
def test_a_hundred_thousand_tasks_are_a_small_picture_soon(engines: int) -> None:
    times = [(number % engines, number / engines) for number in range(100_000)]
    each = [Bar(lane, at, at + 0.9, "ok", "map:f", "a task", busy=0.9) for lane, at in times]
    before = time.process_time()
    drawn = Timeline(each, name="map:f")
    assert len(drawn.svg()) < 2_000_000
    assert len(bars_of(drawn)) < 10_000
    assert time.process_time() - before < 10


def test_a_picture_is_saved_as_a_page_or_alone(tmp_path: Path) -> None:
    drawn = Timeline([Bar(0, 1.0, 2.0, "error", "f", "f: 1 s")], name="f")
    drawn.save(tmp_path / "a.svg")
    drawn.save(str(tmp_path / "a.html"))
    assert ET.parse(tmp_path / "a.svg").getroot().tag == f"{SVG}svg"
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert drawn._repr_html_().startswith("<div><svg ")
    with pytest.raises(FileNotFoundError):
        drawn.save(tmp_path / "none" / "a.svg")


def test_results_and_clients_draw_who_ran_what(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view()
    mapped = view.map_async(abs, range(6), chunksize=2)
    failed = rc[:].apply_async(int, "x")
    assert rc.wait([mapped, failed], SECONDS)
    assert len(mapped.timeline()) == 3
    assert "2 failed" in repr(failed.timeline())
    assert len(rc.timeline()) == 5
    both = rc.timeline([mapped, failed])
    assert len(both) == 5
    assert "map:abs, apply:int" in repr(both)
    fake.holding = True
    runs = rc[:].apply_async(abs, 1)
    fake.do(fake.send, TasksStarted(0, one_task(runs._tasks[0].id(rc._session.id))))
    assert wait_until(lambda: runs._tasks[0].started)
    assert "1 task on 1 engine" in repr(runs.timeline())
    assert "1 not started" in repr(runs.timeline())
    joined = AsyncResult.join(mapped, failed)
    assert len(joined.timeline()) == 5
    fake.go_on()


@pytest.mark.parametrize("wrong", [3, "id", [1], object()])
def test_only_results_have_timelines(rc: Client, wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected an AsyncResult or several, got"):
        rc.timeline(wrong)


def test_an_empty_map_and_a_client_without_tasks_have_empty_pictures(rc: Client) -> None:
    assert "0 tasks on 0 engines" in repr(rc.timeline())
    assert ET.fromstring(rc.load_balanced_view().map_async(abs, []).timeline().svg()) is not None


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=4), st.text(), st.text())
def test_nothing_in_a_table_becomes_markup(rows: list[list[str]], title: str, note: str) -> None:
    plain = table("x", ("a", "b"), [("x", "x")] * len(rows), note="x" * bool(note))
    assert table(title, ("a", "b"), rows, note=note).count("<") == plain.count("<")


def test_a_client_is_a_table_of_its_engines(fake: FakeController) -> None:
    fake.info = EngineInfo(pid=4711, host="node7", problem="no module numpy")
    fake.queues = Queues((EngineQueue(0, 1, 2, 30), EngineQueue(1, 0, 0, 7, unresponsive=12.0)), 0)
    with connected(fake) as rc:
        assert repr(rc) == "<Client: 2 engines on node7 of profile 'default', 0 unfinished tasks>"
        rows, note = pictured.rows_of(rc._session)
        assert rows == [
            (0, "node7", 4711, "3 tasks", "30", "", "busy; start-up code failed"),
            (1, "node7", 4711, "0 tasks", "7", "", "unresponsive for 12 s; start-up code failed"),
        ]
        assert note == ""
        assert rc._repr_html_().count("<tr>") == 3
        assert rc[1]._repr_html_().count("<tr>") == 2
        assert rc.load_balanced_view()._repr_html_().count("<tr>") == 3
        assert "30" in pictured.as_text(rows)
        rc.close()
        assert wait_until(lambda: "load as of" in rc._repr_html_(), SECONDS)
        html = rc._repr_html_()
    assert "closed" in html
    assert html.count("<tr>") == 3


def test_a_controller_that_does_not_answer_is_not_waited_for(fake: FakeController) -> None:
    fake.deaf = True
    with connected(fake) as rc:
        before = time.monotonic()
        html = rc._repr_html_()
        assert time.monotonic() - before < pictured._ANSWER + SECONDS / 2
        assert "the controller has not told what the engines do" in html
        assert html.count("<tr>") == 3
        assert repr(rc).startswith("<Client: 2 engines")


def test_a_result_tells_how_far_it_is_and_what_failed_first(rc: Client) -> None:
    result = rc.load_balanced_view().map_async(int, ["1", "x", "<y>"], chunksize=1)
    assert result.wait(SECONDS)
    assert repr(result).startswith("<AsyncMapResult(map:int): finished in 0.")
    assert "s, 2 failed: ValueError: invalid literal" in repr(result)
    html = result._repr_html_()
    assert "3/3 items" in html
    assert "&lt;AsyncMapResult" in html
    in_chunks = rc.load_balanced_view().map_async(int, ["1", "x", "y"], chunksize=3)
    assert in_chunks.wait(SECONDS)
    assert "s, with errors: ValueError" in repr(in_chunks)
    assert "errors in 1 task" in in_chunks._repr_html_()


def test_an_error_without_words_is_named_alone(rc: Client) -> None:
    result = rc[0].apply_async(_raise, KeyError())
    assert result.wait(SECONDS)
    assert repr(result).endswith(": KeyError>")


def _raise(error: BaseException) -> None:
    raise error


def test_a_result_that_is_found_by_its_id_does_not_pretend_to_know_when_it_began(rc: Client) -> None:
    made = rc[0].apply_async(abs, -1)
    failed = rc[0].apply_async(int, "x")
    assert rc.wait([made, failed], SECONDS)
    assert repr(rc.get_result(made.msg_ids[0])) == "<AsyncResult(apply): finished>"
    assert repr(rc.get_result(failed.msg_ids[0])).startswith("<AsyncResult(apply): failed: ValueError: inv")


def test_a_cancelled_result_an_item_and_a_part_can_be_looked_at(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    view = rc.load_balanced_view()
    result = view.map_async(abs, range(4), chunksize=2)
    item, part = result.split()[0], rc[:].apply_async(abs, 1).split()[0]
    for each in (item, part):
        assert repr(each)
        assert each._repr_html_()
        assert "0 tasks" in repr(each.timeline())
    result.cancel()
    assert repr(result) == "<AsyncMapResult(map:abs): cancelled>"
    assert "cancelled" in result._repr_html_()
    fake.go_on()


def test_a_large_result_is_not_unpacked_to_be_shown(rc: Client) -> None:
    long, too_long = (rc[:].apply_async(open, "x" * size) for size in (5000, 100_000))
    assert rc.wait([long, too_long], SECONDS)
    assert "2 failed: OSError: " in repr(long)
    assert len(repr(long)) < 250
    assert repr(too_long).endswith("2 failed>")


def test_results_can_be_looked_at_once_their_client_is_closed(fake: FakeController) -> None:
    session = started(fake)
    fake.holding = True
    with client_of(session) as rc:
        result = rc[:].apply_async(abs, 1)
        lone = rc[0].apply_async(abs, 1)
        view = rc[:]
    assert "2 failed: ConnectionFailed: the client was closed" in repr(result)
    assert "failed" in repr(lone)
    for each in (result, lone, view, rc):
        assert each._repr_html_()  # type: ignore[attr-defined]
    assert "0 tasks" in repr(result.timeline())
