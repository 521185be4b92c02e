"""Queries: each operator, on keys at any depth, is what it says; and what is no query is told so, with its place."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from engineroom.protocol.messages import Kind, Status
from engineroom.store.interface import Store
from engineroom.store.memory import MemoryStore
from engineroom.store.queries.parsing import DEEPEST
from engineroom.store.queries.problems import BadQuery
from tests.store.tasks import ALICE, BOB, THEN, ended, printed, submitted


def date(seconds: float) -> datetime:
    return datetime.fromtimestamp(THEN + seconds, UTC)


@pytest.fixture
def five(store: Store) -> Store:
    """A store with five tasks: three have ended, 4 by an error; 3 and 5 wait."""
    one = submitted(1, label="alpha")
    two = submitted(2, BOB, direct=2, payload=b"two")
    three = submitted(3, retries=7)
    four = submitted(4, label="beta", kind=Kind.EXECUTE, engines=(1, 3))
    five = submitted(5, BOB, direct=3)
    store.write([one, two, three, four, five])
    store.write([ended(two, engine=2, value=b"2")])
    store.write([ended(one, engine=1, output=(printed(one.task, "hello"),))])
    store.write([ended(four, Status.ERROR, engine=3, words="KeyError: 'x'")])
    return store


CASES: list[tuple[Any, list[int]]] = [
    ({}, [1, 2, 3, 4, 5]),
    ({"number": 3}, [3]),
    ({"number": {"$eq": 3.0}}, [3]),
    ({"number": {"$ne": 3}}, [1, 2, 4, 5]),
    ({"number": {"$lt": 2}}, [1]),
    ({"number": {"$lte": 2}}, [1, 2]),
    ({"number": {"$gt": 4}}, [5]),
    ({"number": {"$gte": 4}}, [4, 5]),
    ({"number": {"$in": [1, 5, 9]}}, [1, 5]),
    ({"number": {"$nin": (1, 5, 9)}}, [2, 3, 4]),
    ({"number": {"$in": []}}, []),
    ({"number": {"$nin": []}}, [1, 2, 3, 4, 5]),
    ({"number": {"$mod": [2, 1]}}, [1, 3, 5]),
    ({"number": {"$gt": 1, "$lt": 4, "$ne": 2}}, [3]),
    ({"number": {"$gt": 1}, "client_uuid": BOB.hex()}, [2, 5]),
    ({"number": {"$not": {"$gt": 2}}}, [1, 2]),
    ({"number": "3"}, []),
    ({"number": {"$lt": "3"}}, []),
    ({"number": True}, []),
    ({"label": "alpha"}, [1]),
    ({"label": None}, [2, 3, 5]),
    ({"label": {"$ne": None}}, [1, 4]),
    ({"label": {"$ne": "alpha"}}, [2, 3, 4, 5]),
    ({"label": {"$exists": True}}, [1, 4]),
    ({"label": {"$exists": False}}, [2, 3, 5]),
    ({"label": {"$in": ["alpha", None]}}, [1, 2, 3, 5]),
    ({"label": {"$glob": "*a"}}, [1, 4]),
    ({"label": {"$glob": "[!a]???"}}, [4]),
    ({"label": {"$gt": "alpha"}}, [4]),
    ({"msg_id": f"{ALICE.hex()}_1"}, [1]),
    ({"msg_id": {"$in": [f"{ALICE.hex()}_1", f"{BOB.hex()}_5", "x"]}}, [1, 5]),
    ({"msg_id": {"$glob": f"{BOB.hex()}_*"}}, [2, 5]),
    ({"msg_id": {"$ne": ""}}, [1, 2, 3, 4, 5]),
    ({"state": "waiting"}, [3, 5]),
    ({"state": {"$in": ["failed", "done"]}}, [1, 2, 4]),
    ({"status": "error"}, [4]),
    ({"queue": "mux"}, [2, 5]),
    ({"completed": None}, [3, 5]),
    ({"completed": {"$ne": None}}, [1, 2, 4]),
    ({"completed": {"$gte": date(2.75)}}, [2, 4]),
    ({"completed": {"$gte": date(2.75).timestamp()}}, [2, 4]),
    ({"completed": {"$gte": date(2.75).isoformat()}}, [2, 4]),
    ({"completed": {"$gt": date(2.75).astimezone().replace(tzinfo=None)}}, [4]),
    ({"submitted": {"$gt": date(1), "$lte": date(4)}}, [2, 3, 4]),
    ({"submitted": date(4)}, [4]),
    ({"header.date": {"$lt": date(2)}}, [1]),
    ({"header.session": BOB.hex()}, [2, 5]),
    ({"header.msg_type": {"$glob": "exec*"}}, [4]),
    ({"header.nothing": None}, [1, 2, 3, 4, 5]),
    ({"header.nothing": {"$exists": True}}, []),
    ({"nothing": {"$exists": False}}, [1, 2, 3, 4, 5]),
    ({"metadata.retries": {"$gte": 7}}, [3]),
    ({"metadata.resources.gpu": 1}, [3]),
    ({"metadata.tags": "big"}, [3]),
    ({"metadata.tags": {"$all": ["big"]}}, [3]),
    ({"metadata.tags": []}, [1, 2, 4, 5]),
    ({"metadata.targets": 3}, [4]),
    ({"metadata.targets": {"$all": [3, 1]}}, [4]),
    ({"metadata.targets": [1, 3]}, [4]),
    ({"metadata.targets": {"$in": [1]}}, [4]),
    ({"metadata.targets": {"$nin": [1]}}, [1, 2, 3, 5]),
    ({"metadata.targets": {"$glob": "0303*"}}, [5]),
    ({"metadata.after": f"{ALICE.hex()}_2"}, [3]),
    ({"metadata.time_limit": {"$mod": [2, 1]}}, []),
    ({"engine_id": {"$gte": 2}}, [2, 4]),
    ({"engine_uuid": "02020202-0202-0202-0202-020202020202"}, [2]),
    ({"host": "host1"}, [1, 4]),
    ({"attempts.host": "host1"}, [1, 4]),
    ({"attempts.0.engine_id": 2}, [2]),
    ({"attempts": []}, [3, 5]),
    ({"result_content.ename": "KeyError"}, [4]),
    ({"result_content": {"status": "ok"}}, [1, 2]),
    ({"stdout": "hello"}, [1]),
    ({"buffers": b"two"}, [2]),
    ({"result_buffers": {"$in": [bytearray(b"2")]}}, [2]),
    ({"$or": [{"number": 1}, {"label": "beta"}]}, [1, 4]),
    ({"$and": [{"number": {"$gt": 1}}, {"queue": "task"}]}, [3, 4]),
    ({"$nor": [{"number": 1}, {"queue": "mux"}]}, [3, 4]),
    ({"$or": [{"$and": [{"number": 1}]}, {"number": 2, "queue": "mux"}], "number": {"$lt": 2}}, [1]),
    ({"delivered": False}, [1, 2, 3, 4, 5]),
]


def test_each_query_finds_what_it_says(five: Store) -> None:
    for query, expected in CASES:
        assert [record["number"] for record in five.find(query, ["number"])] == expected, query


ORDERS: list[tuple[Any, list[int]]] = [
    ("number", [1, 2, 3, 4, 5]),
    ("-number", [5, 4, 3, 2, 1]),
    ("completed", [3, 5, 1, 2, 4]),
    ([("completed", -1)], [4, 2, 1, 5, 3]),
    (("engine_id", -1), [4, 2, 1, 5, 3]),
    (["client_uuid", "-number"], [4, 3, 1, 5, 2]),
    ({"queue": 1, "number": -1}, [5, 2, 4, 3, 1]),
    ("header.date", [1, 2, 3, 4, 5]),
    ("-metadata.retries", [3, 5, 4, 2, 1]),
    (["label"], [2, 3, 5, 1, 4]),
]


def test_tasks_come_in_the_order_that_is_asked_for(five: Store) -> None:
    # Those that are alike come as they were submitted; if the order is a descending one, the last of them first.
    for sort, expected in ORDERS:
        for window in ({}, {"limit": 2}, {"skip": 1, "limit": 3}, {"limit": 0}):
            skip, limit = window.get("skip", 0), window.get("limit", 5)
            found = five.find({}, "number", sort=sort, **window)
            assert [record["number"] for record in found] == expected[skip : skip + limit], (sort, window)


def test_keys_below_others_come_as_they_are_nested(five: Store) -> None:
    [record] = five.find({"number": 4}, ["header.date", "header.msg_type", "metadata.nothing", "label"])
    assert record == {
        "msg_id": f"{ALICE.hex()}_4",
        "header": {"date": date(4), "msg_type": "execute_request"},
        "metadata": {"nothing": None},
        "label": "beta",
    }


def _deep(levels: int) -> dict[str, Any]:
    return {"$and": [_deep(levels - 1)]} if levels else {"number": 1}


BAD: list[tuple[Any, str]] = [
    ([], "bad query: expected a dict, got list"),
    ("number", "bad query: expected a dict, got str"),
    ({"number": {"$gtt": 3}}, "bad query at number.$gtt: unknown operator '$gtt'; did you mean '$gt'?"),
    ({"number": {"$regex": "a"}}, "bad query at number.$regex: unknown operator '$regex'"),
    ({"$gt": 3}, "bad query at $gt: unknown operator '$gt'; '$gt' needs a key: {'engine_id': {'$gt': ...}}"),
    ({"$adn": []}, "bad query at $adn: unknown operator '$adn'; did you mean '$and'?"),
    ({"complete": None}, "bad query at complete: a task has no key 'complete'; did you mean 'completed'?"),
    ({"number": {"$in": 3}}, "bad query at number.$in: expected a list, got 3"),
    ({"number": {"$nin": "ab"}}, "bad query at number.$nin: expected a list, got 'ab'"),
    ({"label": {"$all": None}}, "bad query at label.$all: expected a list, got None"),
    ({"number": {"$mod": [0, 1]}}, "expected [divisor, remainder], two whole numbers, got [0, 1]"),
    ({"number": {"$mod": 2}}, "bad query at number.$mod: expected [divisor, remainder]"),
    ({"number": {"$lt": None}}, "bad query at number.$lt: expected a number, a text, a date or bytes, got None"),
    ({"number": {"$lt": float("nan")}}, "bad query at number.$lt: expected a number"),
    ({"label": {"$glob": 3}}, "bad query at label.$glob: expected a pattern such as 'a*', got 3"),
    ({"label": {"$exists": "no"}}, "bad query at label.$exists: expected True or False, got 'no'"),
    ({"completed": {"$gt": "yesterday"}}, "bad query at completed.$gt: expected a date, got 'yesterday'"),
    ({"completed": {"$gt": 1e300}}, "bad query at completed.$gt: expected a date, got 1e+300"),
    ({"number": {"$gt": 3, "x": 4}}, "bad query at number: expected operators, or a value, but not both"),
    ({"number": {"$not": 3}}, "bad query at number.$not: expected a dict of operators"),
    ({"$or": {"number": 1}}, "bad query at $or: expected a list of queries"),
    ({"$or": []}, "bad query at $or: expected a list of queries"),
    ({"$or": [{"number": 1}, 2]}, "bad query at $or[1]: expected a dict, got int"),
    ({"$or": [{"number": 1}, {"nmber": 2}]}, "bad query at $or[1].nmber: a task has no key 'nmber'"),
    ({3: 4}, "bad query: expected the name of a key, got 3"),
    ({"number": object()}, "bad query at number: a task has no values of the type object"),
    (_deep(DEEPEST + 1), f"it is more than {DEEPEST} levels deep"),
    ({"$or": [{"number": n} for n in range(10_001)]}, "it has more than 10000 conditions"),
]


@pytest.mark.parametrize(("query", "words"), BAD, ids=[words[:60] for _, words in BAD])
def test_what_is_no_query_is_told_so(query: Any, words: str) -> None:
    with pytest.raises(BadQuery, match=re.escape(words)):
        MemoryStore().find(query)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            {"keys": ["msg_id", "engin_id"]},
            "bad query at keys: a task has no key 'engin_id'; did you mean 'engine_id'?",
        ),
        ({"keys": [3]}, "bad query at keys: a task has no key 3"),
        ({"sort": "when"}, "bad query at sort: a task has no key 'when'"),
        ({"sort": [("number", 2)]}, "bad query at sort: expected 'key', '-key' or ('key', -1), got ('number', 2)"),
        ({"sort": 3}, "bad query at sort: expected a key, or a list of keys, got 3"),
        ({"limit": -1}, "bad query at limit: expected a whole number from 0, got -1"),
        ({"limit": "3"}, "bad query at limit: expected a whole number from 0, got '3'"),
        ({"skip": None}, "bad query at skip: expected a whole number from 0, got None"),
    ],
)
def test_what_is_asked_for_beside_the_query_is_checked(how: dict[str, Any], words: str) -> None:
    with pytest.raises(BadQuery, match=re.escape(words)):
        MemoryStore().find({}, **how)
