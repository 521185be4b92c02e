"""Whatever happens to tasks, and whatever is asked: every store answers as a few lines of plain Python do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from engineroom.ids import number_of
from engineroom.protocol.messages import Kind, Status
from engineroom.store.changes import Change, Sent, Submitted
from engineroom.store.records import KEYS
from tests.examples import drawn
from tests.store.conftest import ListStore, Make
from tests.store.model import in_order, matches
from tests.store.tasks import ALICE, BOB, PLACES, THEN, delivered, ended, printed, purged, submitted

NUMBERS = st.integers(1, 6)
SESSIONS = st.sampled_from([ALICE, BOB])
WORDS = st.sampled_from(["", "a", "b", "a*", "[a]", "é", "x' OR '1", '"', "%", "A"])
PAYLOADS = st.sampled_from([b"", b"a", b"\x00\xff", b"long" * 2000])


@st.composite
def calls(draw: st.DrawFn) -> Submitted:
    how: dict[str, Any] = {"label": draw(WORDS), "retries": draw(st.integers(0, 2))}
    if draw(st.booleans()):
        how["direct"] = draw(st.integers(0, 3))
    else:
        how["engines"] = draw(st.sampled_from([None, (0,), (1, 2)]))
    kind = draw(st.sampled_from([Kind.APPLY, Kind.EXECUTE]))
    return submitted(draw(NUMBERS), draw(SESSIONS), payload=draw(PAYLOADS), kind=kind, **how)


@st.composite
def stories(draw: st.DrawFn) -> list[list[Change]]:
    """Return batches of changes, in an order in which a controller may say them, some of them twice."""
    by_task = {each.task: each for each in draw(st.lists(calls(), max_size=7))}
    changes: list[Change] = []
    for task in by_task.values():
        changes.append(task)
        if draw(st.booleans()):
            changes.append(Sent(task.task, 1, PLACES[draw(st.integers(0, 3))], THEN + number_of(task.task)))
        if draw(st.booleans()):
            output = (printed(task.task, draw(WORDS)),) if draw(st.booleans()) else ()
            how = {"took": draw(st.sampled_from([0.25, 3.0])), "words": "ValueError: no", "output": output}
            end = ended(
                task, draw(st.sampled_from(list(Status))), engine=draw(st.integers(0, 3)), value=draw(PAYLOADS), **how
            )
            changes += [end] * draw(st.integers(1, 2))
            if draw(st.integers(0, 4)) == 0:
                changes += purged(task)
            elif draw(st.booleans()):
                changes += delivered(task)
    return [changes[at : at + 3] for at in range(0, len(changes), 3)] if draw(st.booleans()) else [changes]


DATES = st.integers(0, 8).map(lambda n: datetime.fromtimestamp(THEN + n, UTC))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": NUMBERS | st.sampled_from([2.5, 3.0, "3", True, None]),
    "state": st.sampled_from(["waiting", "running", "done", "failed", "aborted", "", None, 3]),
    "status": st.sampled_from(["ok", "error", "lost", None]),
    "label": WORDS | st.none(),
    "submitted": DATES,
    "started": DATES | st.none(),
    "completed": DATES | st.none(),
    "received": DATES | st.none(),
    "msg_id": st.builds(lambda session, n: f"{session.hex()}_{n}", SESSIONS, NUMBERS),
    "client_uuid": SESSIONS.map(lambda session: session.hex()),
    "engine_id": st.integers(-1, 4) | st.none(),
    "engine_uuid": st.sampled_from(["00000000-0000-0000-0000-000000000000", "03030303-0303-0303-0303-030303030303"]),
    "host": st.sampled_from(["host0", "host1", None]),
    "queue": st.sampled_from(["mux", "task"]),
    "method": st.sampled_from(["apply", "execute"]),
    "stdout": WORDS,
    "delivered": st.booleans(),
    "buffers": PAYLOADS,
    "result_buffers": PAYLOADS,
    "metadata.targets": st.integers(0, 3) | st.just([1, 2]) | st.none(),
    "metadata.retries": st.integers(0, 2),
    "header.date": DATES,
    "header.msg_type": st.sampled_from(["apply_request", "execute_request"]),
    "attempts.host": st.sampled_from(["host0", "host1", None]),
    "attempts.0.number": st.integers(0, 2),
    "result_content.ename": st.sampled_from(["ValueError", None]),
}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """Return a condition on one key."""
    key = draw(st.sampled_from(sorted(VALUES)))
    value = draw(VALUES[key])
    operators: dict[str, Any] = {"$eq": value, "$ne": value, "$exists": draw(st.booleans())}
    for name in ("$in", "$nin", "$all"):
        operators[name] = draw(st.lists(VALUES[key], max_size=3))
    if isinstance(value, str | bytes | datetime) or (isinstance(value, int | float) and not isinstance(value, bool)):
        operators |= dict.fromkeys(("$lt", "$lte", "$gt", "$gte"), value)
    if isinstance(value, str):
        operators["$glob"] = value.replace("_1", "_*")
    if isinstance(value, int):
        operators["$mod"] = [2, value % 2]
    names = draw(st.lists(st.sampled_from(sorted(operators)), max_size=3, unique=True))
    if not names:
        return {key: value}
    condition: dict[str, Any] = {name: operators[name] for name in names}
    return {key: {"$not": condition} if draw(st.integers(0, 5)) == 0 else condition}


@st.composite
def queries(draw: st.DrawFn) -> dict[str, Any]:
    query: dict[str, Any] = {}
    for test in draw(st.lists(conditions(), max_size=2)):
        query |= test
    for name in draw(st.lists(st.sampled_from(["$and", "$or", "$nor"]), max_size=1)):
        query[name] = draw(st.lists(conditions(), min_size=1, max_size=3))
    return query


SORTS = st.none() | st.tuples(
    st.sampled_from(["number", "completed", "submitted", "state", "label", "engine_id", "msg_id"]),
    st.sampled_from([1, -1]),
)


@drawn(60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(stories(), st.lists(st.tuples(queries(), SORTS, st.none() | st.integers(0, 4), st.integers(0, 2)), max_size=4))
def test_a_store_answers_as_plain_python_does(make: Make, story: list[list[Change]], asked: list[Any]) -> None:
    store, model = make(), ListStore()
    for changes in story:
        store.write(changes)
        model.write(changes)
    records = model.find({}, [*KEYS])
    assert store.find({}, [*KEYS]) == records
    assert store.count() == len(records)
    for query, sort, limit, skip in asked:
        found = [record for record in records if matches(query, record)]
        if sort is not None:
            found = in_order(found, sort[0], backwards=sort[1] == -1)
        expected = [record["msg_id"] for record in found][skip : None if limit is None else skip + limit]
        got = store.find(query, "msg_id", sort=sort, limit=limit, skip=skip)
        assert [record["msg_id"] for record in got] == expected, query
