"""`rc.results` and `rc.metadata`: what ended last, by id, in bounded memory."""

from __future__ import annotations

import datetime as dt
import weakref
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engineroom as er
from engineroom.client.client import Client
from engineroom.client.connection.session import Session
from engineroom.client.state.output import TaskOutput
from engineroom.client.state.recent import MOST, MOST_BYTES, Recent
from engineroom.client.state.recorded import RecordedFacts
from engineroom.ids import SessionId, task_id
from engineroom.protocol.history import AskRecords
from engineroom.protocol.messages import Ask, Outcome, Output, Result, Status
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.client.fake_controller import FakeController


def test_results_and_metadata_are_found_by_id(rc: Client) -> None:
    view = rc.load_balanced_view()
    several = rc[:].apply_async(abs, -1)
    assert view.apply_sync(abs, -2) == 2
    last = rc.history[-1]
    several.get(SECONDS)
    assert [rc.results[name] for name in [*several.msg_ids, last]] == [1, 1, 2]
    assert {*several.msg_ids, last} == set(rc.results) == set(view.results)
    assert len(rc.results) == 3
    assert last in rc.results
    assert rc.metadata[several.msg_ids[1]].engine_id == 1
    assert rc.metadata[last].status == "ok"
    assert rc.metadata[last]["completed"] >= rc.metadata[last]["started"]
    assert repr(rc.results) == "<ResultsById: of 3 tasks>"


def test_metadata_that_are_not_kept_come_from_the_records(rc: Client, fake: FakeController) -> None:
    result = rc.load_balanced_view(label="mine").apply_async(abs, -1)
    result.get(SECONDS)
    then = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    assert rc.metadata[result.msg_id].submitted is None, "nothing is recorded"
    told = {"submitted": then, "engine_id": 7, "engine_uuid": "uuid", "label": "mine"}
    fake.records = [{"msg_id": result.msg_id, **told}]
    found = rc.metadata[result.msg_id]
    assert (found.submitted, found.engine_uuid, found.label) == (then, "uuid", "mine")
    assert found.engine_id == result.engine_id, "what is known here counts"


def test_whoever_reads_the_metadata_of_many_tasks_asks_seldom(rc: Client, fake: FakeController) -> None:
    names = [rc[0].apply_async(abs, -1).msg_id for _ in range(500)]
    rc.wait(timeout=SECONDS)
    told = {"submitted": dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "engine_id": 0, "engine_uuid": "uuid", "label": "mine"}
    fake.records = [{"msg_id": name, **told} for name in names]
    assert {rc.metadata[name].label for name in names} == {"mine"}
    assert len(asked := fake.heard_of(Ask)) < 10
    rc.purge_hub_results(names[0])
    fake.records = []
    assert rc.metadata[names[0]].label is None
    assert len(fake.heard_of(Ask)) == len(asked) + 2


def test_of_so_many_tasks_facts_are_known_as_were_read_last() -> None:
    facts = RecordedFacts(most=30)
    assert facts.to_ask(50, range(100)) == [50, 49, 51, 48, 52, 47, 53, 46], "the nearest first"
    facts.note({number: {"label": str(number)} for number in range(46, 54)})
    assert facts.find(45) is None
    assert len(facts.to_ask(45, range(100))) == 8, "none of the others was read"
    facts.note({number: {"label": str(number)} for number in range(38, 46)})
    assert [found["label"] for number in range(38, 45) if (found := facts.find(number))] == [*map(str, range(38, 45))]
    assert facts.to_ask(37, range(100)) == [*range(37, 21, -1)], "twice as many"
    facts.note({number: {} for number in range(1000)})
    assert [number for number in range(1000) if facts.find(number) is not None] == [*range(970, 1000)]
    facts.forget()
    assert facts.find(999) is None


def test_metadata_are_there_in_callbacks_and_after_the_end_of_the_client(rc: Client, fake: FakeController) -> None:
    result, seen = rc[0].apply_async(abs, -1), []
    result.add_done_callback(lambda its: seen.append(rc.metadata[its.msg_ids[0]].status))
    result.get(SECONDS)
    assert wait_until(lambda: seen == ["ok"])
    rc.close()
    assert rc.metadata[result.msg_id].status == "ok"


def test_a_date_in_a_query_is_its_first_moment_here(rc: Client, fake: FakeController) -> None:
    day = dt.date(2026, 3, 1)
    rc.db_query({"submitted": {"$gte": day}})
    [asked] = [message.question for message in fake.heard_of(Ask) if isinstance(message.question, AskRecords)]
    assert msgspec.msgpack.decode(asked.query) == {"submitted": {"$gte": dt.datetime(2026, 3, 1).astimezone()}}


def test_what_has_not_ended_has_its_label(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    assert rc.metadata[rc.load_balanced_view(label="mine").apply_async(abs, -1).msg_id].label == "mine"


def test_reading_what_failed_raises_it(rc: Client) -> None:
    failed = rc[0].apply_async(int, "x")
    failed.wait()
    with pytest.raises(ValueError, match="invalid literal"):
        rc.results[failed.msg_id]
    assert isinstance(rc.metadata[failed.msg_id].error, ValueError)


def test_what_has_not_ended_has_metadata_and_no_result(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc[0].apply_async(abs, -1)
    assert rc.metadata[result.msg_id].status is None
    assert result.msg_id not in rc.results
    with pytest.raises(KeyError, match="has not ended: wait for it"):
        rc.results[result.msg_id]


@pytest.mark.parametrize("wrong", ["", "x", f"{'0' * 32}_1", f"{'0' * 32}_-1"])
def test_other_ids_are_unknown(rc: Client, wrong: str) -> None:
    assert wrong not in rc.results
    assert rc.results.get(wrong) is None
    with pytest.raises(KeyError, match="has submitted no task"):
        rc.results[wrong]


@pytest.mark.parametrize("wrong", [None, 3, 1.5, ()])
def test_only_ids_and_results_are_keys(rc: Client, wrong: Any) -> None:
    assert wrong not in rc.results
    with pytest.raises(TypeError, match="expected an AsyncResult or a message id"):
        rc.results[wrong]


class Kept:
    pass


def test_what_a_user_has_read_is_freed_with_its_last_reference(rc: Client) -> None:
    value = rc[0].apply_sync(Kept)
    gone = weakref.ref(value)
    again = rc.results[rc.history[-1]]
    assert again is not value
    del value
    assert wait_until(lambda: gone() is None)  # the I/O thread may have it in hand for a moment more


def test_the_last_ones_are_kept_as_far_as_they_are_small(rc: Client, session: Session, fake: FakeController) -> None:
    view = rc[0]
    large = view.apply_async(bytes, 1 << 20)
    small = []
    for number in range(2 * MOST):
        small.append(view.apply_async(abs, -number))
        if number % 100 == 99:
            assert rc.wait(small, SECONDS)
    fake.holding = True
    talker = view.apply_async(abs, -1)
    task = session.tasks[session.last_number]
    task.output = TaskOutput()
    task.output.add(Output(task.id(session.id), 1, 1, 0, "said"))
    fake.go_on()
    assert rc.wait([large, talker], SECONDS)
    assert MOST <= len(rc.results) < 1.5 * MOST
    assert small[-1].msg_id in rc.results
    assert rc.metadata[talker.msg_id].stdout == "said"
    assert rc.metadata[talker.msg_id].submitted is not None
    for result in (large, small[0]):
        with pytest.raises(KeyError, match=r"is not kept any more.* Hold the AsyncResult"):
            rc.results[result.msg_id]
    assert len(large.get()) == 1 << 20


@given(st.lists(st.lists(st.integers(0, 4 << 20), max_size=40), max_size=30))
def test_however_results_come_what_is_kept_is_bounded(batches: list[list[int]]) -> None:
    session, recent, number = SessionId(bytes(16)), Recent(SessionId(bytes(16))), 0
    sizes: dict[int, int] = {}
    body = bytes(4 << 20)
    for batch in batches:
        results = []
        for size in batch:
            number += 1
            sizes[number] = size
            results.append(Result(task_id(session, number), 0, Outcome(Status.OK, 0.0, 0.0), body[:size]))
        recent.hear(0.0, results)
        kept = list(recent.engines())
        assert kept == list(range(number - len(kept) + 1, number + 1)), "the last ones"
        assert sum(sizes[each] for each in kept) <= MOST_BYTES
        assert recent._bytes == sum(sizes[each] for each in kept)
    recent.forget(range(number // 2))
    assert all(each >= number // 2 for each in recent.engines())
    recent.forget(range(number + 1))
    assert (recent._bytes, recent._count, recent.engines()) == (0, 0, {})


def test_purging_forgets_what_is_kept_and_leaves_what_is_held(rc: Client) -> None:
    results = [rc[engine].apply_async(abs, -engine) for engine in (0, 1, 0, 1)]
    rc.wait(results)
    rc.purge_local_results(results[0])
    rc.purge_results([results[1].msg_id])
    assert set(rc.results) == {result.msg_id for result in results[2:]}
    rc[0].purge_results(targets=0)
    assert set(rc.results) == {results[3].msg_id}
    rc.purge_everything()
    assert dict(rc.results) == {}
    assert [result.get() for result in results] == [0, 1, 0, 1]
    rc.purge_local_results("all")
    rc.purge_local_results(targets="all")
    rc.purge_hub_results("all")


def test_results_can_be_taken_out(rc: Client) -> None:
    one, other = rc[0].apply_async(abs, -1), rc[0].apply_async(abs, -2)
    rc.wait([one, other])
    assert rc.results.pop(one.msg_id) == 1
    assert rc.results.pop(one.msg_id, None) is None
    with pytest.raises(KeyError):
        rc.results.pop(one.msg_id)
    rc.results.clear()
    assert len(rc.results) == 0


@pytest.mark.parametrize("how", ["all", "job", "targets"])
def test_unfinished_tasks_cannot_be_purged(rc: Client, fake: FakeController, how: str) -> None:
    fake.holding = True
    result = rc[0].apply_async(abs, -1)
    options: dict[str, Any] = {"all": {"jobs": "all"}, "job": {"jobs": result}, "targets": {"targets": [0]}}[how]
    with pytest.raises(RuntimeError, match="1 task has not ended"):
        rc.purge_local_results(**options)


@pytest.mark.parametrize("wrong", [1.5, object()])
def test_what_names_no_task_cannot_be_purged(rc: Client, wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected an AsyncResult or a message id"):
        rc.purge_local_results(wrong)


def test_cancelled_tasks_are_among_them(rc: Client, fake: FakeController) -> None:
    fake.holding = True
    result = rc[0].apply_async(abs, -1)
    result.abort()
    result.wait(SECONDS)
    with pytest.raises(er.TaskAborted):
        rc.results[result.msg_id]
