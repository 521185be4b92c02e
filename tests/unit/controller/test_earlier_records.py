"""What a killed controller has not written down: what can be completed is, the rest is counted as unwritten."""

from __future__ import annotations

import pytest

from engineroom.controller.recording import earlier
from engineroom.controller.recording.account import account
from engineroom.controller.recording.changes import Scribe
from engineroom.controller.recording.earlier import Earlier
from engineroom.core.claims import UNKNOWN
from engineroom.core.journal import Journal, Reception
from engineroom.store.changes import Submitted
from engineroom.store.memory import MemoryStore
from tests.unit.controller.test_recording import CLIENT, Stage
from tests.unit.core.pretend import session_id, submit, task


def look(journal: Journal, store: MemoryStore, **how: int) -> None:
    amends = Earlier(Scribe(0.0), lambda: 5.0, **how).look(journal)
    if amends is not None:
        store.write(amends(store))


@pytest.mark.parametrize("one_by_one", [0, 10_000])
def test_what_was_delivered_and_is_in_no_record_is_counted_apart(one_by_one: int) -> None:
    stage, store = Stage(), MemoryStore()
    stage.end(3)
    store.write([stage.scribe.ended(ending) for ending in stage.play.state.journal.ended])
    stage.last = 5
    stage.play.state.journal.ended.clear()
    stage.end(2)
    ended = list(stage.play.state.journal.ended)
    stage.play.state.journal.received.append(Reception(session_id(CLIENT), 7, ((9, 9),)))
    look(stage.play.state.journal, store, one_by_one=one_by_one)
    store.write([stage.scribe.ended(ending) for ending in ended])

    audit = account(store, {session_id(CLIENT): 9}, "", verify=False)
    assert (audit["unwritten"], audit["missed"]) == (3, 0)
    assert audit["missing"] == [{"session": session_id(CLIENT).hex(), "first": 8, "last": 8}]
    assert [absence.why for absence in store.absences()] == [earlier.WHY] * len(list(store.absences()))


def test_what_was_delivered_and_whose_record_has_no_end_is_not_pending() -> None:
    stage, store = Stage(), MemoryStore()
    store.write([Submitted(task(1), submit(1), 4.0), Submitted(task(2), submit(2), 4.0)])
    stage.play.state.journal.received.append(Reception(session_id(CLIENT), 1))
    look(stage.play.state.journal, store)
    audit = account(store, {session_id(CLIENT): 2}, "", verify=False)
    assert (audit["submitted"], audit["pending"], audit["unwritten"]) == (1, 1, 1)
    assert not audit["missing"]


def test_what_is_said_again_is_looked_up_once() -> None:
    its, journal = Earlier(Scribe(0.0), lambda: 5.0), Journal(early=True)
    journal.received.append(Reception(session_id(CLIENT), 7))
    assert its.look(journal) is not None
    assert its.look(journal) is None


def test_a_claim_completes_the_record_of_a_task_that_went_on() -> None:
    stage, store = Stage(), MemoryStore()
    stage.end(1)
    [(its, _, _)] = stage.play.state.journal.ended
    store.write([Submitted(task(1), submit(1), 4.0)])
    its.submit = UNKNOWN
    stage.play.state.journal.received.append(Reception(session_id(CLIENT), 1))
    look(stage.play.state.journal, store)

    [entry] = store.entries()
    assert (entry.state, entry.submit, entry.submitted, entry.delivered) == ("done", submit(1), 4.0, True)
    assert not list(store.absences())
