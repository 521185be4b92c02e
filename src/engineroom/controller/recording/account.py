"""The account of all tasks: whether what was submitted is delivered, pending or failed, and nothing is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from engineroom.ids import SessionId, number_of, parse_msg_id, session_of
from engineroom.protocol.task_ranges import Range, ranges_of, tidy, without
from engineroom.store.changes import ABSENT, UNWRITTEN
from engineroom.store.entry import ABORTED, DONE, FAILED, Entry
from engineroom.store.interface import Store
from engineroom.store.ranges import TaskSet

_LISTED = 1000
"""So many of each kind are listed."""

_KINDS = ("delivered", "pending", "failed", "aborted", "unfetched", "expired")
"""What becomes of tasks that are recorded."""


def account(store: Store, known: Mapping[SessionId, int], trouble: str, *, verify: bool) -> dict[str, Any]:
    """Return what the store has of all tasks, and what is wrong with it.

    `known`: by session, the number of the last task that was submitted, as far as the controller knows; `trouble`: why
    the store can't be written now. `verify`: entries are compared with their checksums.
    """
    counts: Counter[str] = Counter()
    numbers: dict[SessionId, list[int]] = {}
    again: list[dict[str, Any]] = []
    late = TaskSet()
    for tasks in store.expired():
        late.add_ranges(tasks)
    for entry in store.entries():
        numbers.setdefault(session_of(entry.task), []).append(number_of(entry.task))
        counts[_kind(entry, late)] += 1
        if len(entry.attempts) > 1:
            counts["run_again"] += 1
            if len(again) < _LISTED:
                again.append(_attempts(entry))
    damaged = _damaged(store, numbers) if verify else []
    absent = _absent(store)
    highest = {SessionId(session): last for session, last in store.known_up_to().items()}
    for session, last in known.items():
        highest[session] = max(last, highest.get(session, 0))
    missing, twice, gone = [], [], Counter[str]()
    for session, last in highest.items():
        there = numbers.get(session, [])
        twice += [(session, number) for number, times in Counter(there).items() if times > 1]
        left = ranges_of(there)
        for kind, ranges in absent.get(session, {}).items():
            gone[kind] += _count(without(tidy(ranges), left))
            left = tidy([*left, *ranges])
        missing += [(session, first, last_) for first, last_ in without([(1, last)] if last else [], left)]
    return {
        "store": store.where,
        "submitted": sum(counts[kind] for kind in _KINDS),
        **{kind: counts[kind] for kind in (*_KINDS, "run_again")},
        **{kind: gone[kind] + counts[kind] for kind in ABSENT},
        "again": again,
        "missing": [
            {"session": session.hex(), "first": first, "last": last} for session, first, last in missing[:_LISTED]
        ],
        "missing_count": sum(last - first + 1 for _, first, last in missing),
        "twice": [{"session": session.hex(), "number": number} for session, number in twice[:_LISTED]],
        "damaged": damaged[:_LISTED],
        "damaged_count": len(damaged),
        "trouble": trouble,
    }


def _damaged(store: Store, numbers: dict[SessionId, list[int]]) -> list[dict[str, str]]:
    """Return which records are not as they were written; add the numbers of those that can't be read to `numbers`."""
    found = [{"msg_id": each.msg_id, "why": each.why} for each in store.damages()]
    for task in {parse_msg_id(each["msg_id"]) for each in found}:
        there = numbers.setdefault(session_of(task), [])
        if number_of(task) not in there:
            there.append(number_of(task))
    return found


def _kind(entry: Entry, late: TaskSet) -> str:
    state = entry.state
    if state == DONE:
        if entry.task in late:
            return "expired"
        return "delivered" if entry.delivered else "unfetched"
    if (ended := {FAILED: "failed", ABORTED: "aborted"}.get(state)) is not None:
        return ended
    # Its client has the result, which the controller was killed before it could write.
    return UNWRITTEN if entry.delivered else "pending"


def _attempts(entry: Entry) -> dict[str, Any]:
    record = entry.record(["attempts", "state"])
    return {
        "msg_id": record["msg_id"],
        "state": record["state"],
        "attempts": [
            {key: each[key] for key in ("number", "engine_id", "host", "cause")} for each in record["attempts"]
        ],
    }


def _absent(store: Store) -> dict[SessionId, dict[str, list[Range]]]:
    found: dict[SessionId, dict[str, list[Range]]] = {}
    for absence in store.absences():
        of_session = found.setdefault(SessionId(absence.tasks.session), {})
        of_session.setdefault(absence.kind, []).extend(absence.tasks.ranges)
    return found


def _count(ranges: list[Range]) -> int:
    return sum(last - first + 1 for first, last in ranges)
