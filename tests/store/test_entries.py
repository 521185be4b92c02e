"""What was written is what is found, whatever keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from engineroom.ids import TaskId, msg_id
from engineroom.protocol.messages import Displays, Function, Kind, Options, Status
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import Expired, HeldFunction, Missed, Sent
from engineroom.store.entry import Attempt, Running
from engineroom.store.interface import Store
from tests.store.conftest import Make
from tests.store.tasks import (
    ALICE,
    BOB,
    PLACES,
    THEN,
    ended,
    printed,
    purged,
    shown,
    submitted,
)

LONG = bytes(range(256)) * 400


def date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_task_goes_from_waiting_over_running_to_done(store: Store) -> None:
    task = submitted(1)
    states = []
    for change in (task, Sent(task.task, 1, PLACES[2], THEN + 1.5), ended(task, engine=2)):
        store.write([change])
        found = store.get(msg_id(task.task))
        assert found is not None
        states.append((found.state, found.place.engine))
    assert states == [("waiting", -1), ("running", 2), ("done", 2)]


def test_an_end_alone_says_all_of_a_task(store: Store) -> None:
    store.write([ended(submitted(1, payload=b"f and x"), engine=3, value=b"y")])
    found = store.get(submitted(1).task)
    assert found is not None
    assert (found.submitted, found.state, found.place) == (THEN + 1, "done", PLACES[3])
    assert (found.call_buffers(), found.result_buffers()) == ([b"f and x"], [b"y"])
    assert store.count() == 1


def test_a_record_has_the_keys_that_users_know(store: Store) -> None:
    task = submitted(7, label="seven", direct=1, retries=2)
    store.write([ended(task, engine=1, output=(printed(task.task, "hello\n"), printed(task.task, "no\n", stream=2)))])
    [record] = store.find({"label": "seven"})
    session = ALICE.hex()
    assert record == {
        "msg_id": f"{session}_7",
        "header": {
            "msg_id": f"{session}_7",
            "session": session,
            "msg_type": "apply_request",
            "date": date(THEN + 7),
        },
        "metadata": {
            "targets": "01010101-0101-0101-0101-010101010101",
            "after": [],
            "follow": [],
            "timeout": None,
            "retries": 2,
            "priority": 0,
            "time_limit": None,
            "resources": {},
            "tags": [],
        },
        "content": {},
        "submitted": date(THEN + 7),
        "client_uuid": session,
        "engine_uuid": "01010101-0101-0101-0101-010101010101",
        "started": date(THEN + 7.25),
        "completed": date(THEN + 7.75),
        "resubmitted": None,
        "received": date(THEN + 7.875),
        "result_header": {
            "parent": f"{session}_7",
            "msg_type": "apply_reply",
            "status": "ok",
            "engine": "01010101-0101-0101-0101-010101010101",
            "date": date(THEN + 7.75),
        },
        "result_metadata": {
            "engine": "01010101-0101-0101-0101-010101010101",
            "engine_id": 1,
            "host": "host1",
            "status": "ok",
            "started": date(THEN + 7.25),
            "shadowed": [],
        },
        "result_content": {"status": "ok"},
        "queue": "mux",
        "execute_input": None,
        "execute_result": None,
        "error": None,
        "stdout": "hello\n",
        "stderr": "no\n",
        "label": "seven",
        "function": None,
        "state": "done",
        "status": "ok",
        "number": 7,
        "method": "apply",
        "engine_id": 1,
        "host": "host1",
        "attempts": [
            {
                "number": 1,
                "engine_id": 1,
                "engine_uuid": "01010101-0101-0101-0101-010101010101",
                "host": "host1",
                "pid": 1001,
                "sent": date(THEN + 7.125),
                "cause": None,
                "lines": [],
            }
        ],
        "delivered": False,
    }


def test_payloads_come_when_they_are_asked_for_long_ones_as_well(store: Store) -> None:
    task = submitted(1, payload=LONG)
    store.write([task])
    store.write([ended(task, value=LONG[::-1])])
    [record] = store.find({}, ["buffers", "result_buffers"])
    assert record.keys() == {"msg_id", "buffers", "result_buffers"}
    assert b"".join(record["buffers"]) == LONG
    assert b"".join(record["result_buffers"]) == LONG[::-1]


def test_a_failure_tells_its_error_and_where_it_was_tried(store: Store) -> None:
    lost = Attempt(1, PLACES[0], THEN, "killed by SIGKILL", ("Segmentation fault",))
    task = submitted(1)
    store.write([ended(task, Status.ERROR, engine=2, words="ValueError: no: not this", earlier=(lost,))])
    [record] = store.find({"state": "failed"})
    assert record["result_content"] == {"status": "error", "ename": "ValueError", "evalue": "no: not this"}
    assert [each["engine_id"] for each in record["attempts"]] == [0, 2]
    assert record["attempts"][0]["cause"] == "killed by SIGKILL"
    assert record["attempts"][0]["lines"] == ["Segmentation fault"]
    assert record["status"] == "error"


def test_what_a_cell_shows_is_in_its_record(store: Store) -> None:
    task = submitted(1, kind=Kind.EXECUTE)
    output = (
        shown(task.task, b'{"data":{"text/plain":"42"},"execution_count":1}'),
        shown(task.task, b'{"ename":"KeyError"}', kind=Displays.ERROR, seq=1),
    )
    store.write([ended(task, output=output)])
    [record] = store.find({"header.msg_type": "execute_request"}, ["execute_result", "error", "method"])
    assert record["execute_result"]["data"] == {"text/plain": "42"}
    assert record["error"] == {"ename": "KeyError"}
    assert record["method"] == "execute"


def test_a_call_to_many_engines_is_a_task_for_each(store: Store) -> None:
    first = submitted(10, direct=0, payload=LONG)
    submit = type(first.submit)(first.task, first.submit.call, b"".join(place.instance for place in PLACES[:3]))
    tasks = [type(first)(submitted(10 + n).task, submit, THEN + 10, first.call, len(LONG)) for n in range(3)]
    store.write(tasks)
    store.write([ended(task, engine=n) for n, task in enumerate(tasks)])
    records = store.find({"queue": "mux"}, ["metadata", "engine_uuid", "buffers"])
    assert [record["metadata"]["targets"] for record in records] == [record["engine_uuid"] for record in records]
    assert [b"".join(record["buffers"]) for record in records] == [LONG] * 3


def test_many_tasks_run_at_once_each_where_it_was_sent(store: Store) -> None:
    tasks = [submitted(n) for n in range(1, 101)]
    store.write(tasks)
    store.write([Sent(task.task, n + 1, PLACES[n % 4], THEN + n) for n, task in enumerate(tasks)])
    found = [(entry.state, entry.attempts) for entry in store.search()]
    assert found == [("running", (Running(n + 1, PLACES[n % 4], THEN + n),)) for n in range(100)]


def test_what_was_tried_of_a_task_that_runs_is_known_with_what_counts(store: Store) -> None:
    task, first = submitted(1), Attempt(1, PLACES[1], THEN, "raised ValueError: no")
    store.write([task, Sent(task.task, 2, PLACES[2], THEN + 1, (first,), errors=1, losses=2)])
    [entry] = store.left(lambda _: None)
    assert entry.attempts == (first, Running(2, PLACES[2], THEN + 1, earlier=(first,), errors=1, losses=2))
    assert [each["cause"] for each in entry.record(["attempts"])["attempts"]] == ["raised ValueError: no", None]


def test_what_is_said_twice_counts_once(store: Store) -> None:
    task = submitted(1)
    done = ended(task)
    for change in (task, task, done, done, task):
        store.write([change])
    store.write([done, done])
    assert (store.count(), store.history()) == (1, [msg_id(task.task)])
    assert store.find({}, ["state"])[0]["state"] == "done"


def test_an_entry_has_the_name_of_the_function_that_it_calls(store: Store) -> None:
    task = submitted(1)
    store.write([HeldFunction(Function(task.submit.call.function, b"code", name="fit")), task, ended(submitted(2))])
    found = store.function(task.submit.call.function)
    name = None if found is None else found[0].name  # a store of a user's own need not keep functions
    assert name in {"fit", None}
    assert [record["function"] for record in store.find({"function": name}, "function")] == [name, name]


def test_history_is_in_the_order_of_submission(store: Store) -> None:
    tasks = [submitted(n, ALICE if n % 2 else BOB) for n in range(1, 8)]
    for task in tasks:
        store.write([task])
    for task in (tasks[5], tasks[0], tasks[3]):
        store.write([ended(task)])
    assert store.history() == [msg_id(task.task) for task in tasks]


def test_unfinished_tasks_have_what_it_takes_to_run_them(store: Store) -> None:
    waiting, done = submitted(3, payload=LONG), submitted(4)
    store.write([waiting, done, ended(done)])
    [entry] = store.unfinished()
    assert entry.task == waiting.task
    assert entry.submit.options == waiting.submit.options != Options()
    assert entry.submit.awaits == waiting.submit.awaits is not None
    assert b"".join(entry.call_buffers()) == LONG


def test_purged_tasks_are_gone_unless_they_have_not_ended(store: Store) -> None:
    waiting, one, two = submitted(1), submitted(2), submitted(4)
    store.write([waiting, one, two, ended(one), ended(two)])
    store.write(purged(waiting, one))
    assert store.history() == [msg_id(waiting.task), msg_id(two.task)]
    assert store.remove({"number": {"$gte": 1}}) == 1
    assert store.history() == [msg_id(waiting.task)]


def test_nothing_is_found_of_a_task_that_never_was(store: Store) -> None:
    store.write([ended(submitted(1))])
    assert store.get(submitted(2).task) is None
    assert store.get("no id at all") is None
    assert store.find({"msg_id": "x"}) == []


def test_what_is_not_kept_is_told_by_kind_and_what_was_not_fetched_in_time_too(store: Store) -> None:
    """A store of a user's own may know nothing of that."""
    store.write([ended(submitted(number)) for number in (1, 2, 3)])
    store.write([Missed(TaskRanges(ALICE, ((4, 5),)), 0.0, "slow"), Expired(TaskRanges(ALICE, ((1, 1),)))])
    store.write([Missed(TaskRanges(ALICE, ((5, 7),)), 0.0, "killed", delivered=True)])
    store.write([Expired(TaskRanges(ALICE, ((2, 2),)))])

    told = sorted((absence.kind, absence.why, absence.tasks.ranges) for absence in store.absences())
    late = [ranges for tasks in store.expired() for ranges in tasks.ranges]
    assert told in ([("missed", "slow", ((4, 5),)), ("unwritten", "killed", ((5, 7),))], [])
    assert late in ([(1, 2)], [])
    assert bool(told) == bool(late)
    assert store.count() == 3


def test_tasks_that_ended_alike_share_a_result_which_names_none_of_them(make: Make) -> None:
    store = make()
    ends = ended(submitted(1)), ended(submitted(2))
    alike = [replace(each, result=replace(each.result, task=TaskId(b""))) for each in ends]
    store.write(alike)
    again = make(again=True) if store.on_disk else store
    assert [entry.msg_id for entry in again.entries()] == [each.entry().msg_id for each in alike]
    assert list(again.damages()) == []
    assert [record["state"] for record in again.find()] == ["done", "done"]
