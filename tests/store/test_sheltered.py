"""A store that fails for a while: tasks go on, people are told once, and what can be caught up is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engineroom.store.changes import Change
from engineroom.store.interface import StoreTrouble, StoreUnusable
from engineroom.store.sheltered import ShelteredStore
from tests.store.conftest import ListStore
from tests.store.tasks import ended, purged, submitted


class Failing(ListStore):
    """A store that fails as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.tries = 0

    def open(self) -> None:
        if self.error is not None:
            raise self.error

    def write(self, changes: Sequence[Change]) -> None:
        self.tries += 1
        if self.error is not None:
            raise self.error
        super().write(changes)


class Story:
    """A sheltered store, with a clock of its own and what it has reported."""

    def __init__(self, *, limit: int = 1 << 30) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.inner = Failing()
        self.store = ShelteredStore(
            self.inner, self.said.append, may_begin_without=True, limit=limit, clock=lambda: self.now
        )


FULL = StoreTrouble("tasks.db: database or disk is full")


def test_trouble_is_told_once_and_so_is_its_end() -> None:
    story = Story()
    story.store.open()
    story.store.write([submitted(1)])
    story.inner.error = FULL
    for number in (2, 3, 4):
        story.store.write([ended(submitted(number))])
    assert [words.partition(". ")[0] for words in story.said] == ["tasks.db: database or disk is full"]
    story.inner.error, story.now = None, 100.0
    story.store.write([])
    assert [words.partition(": ")[2] for words in story.said[1:]] == ["3 tasks were written later"]
    assert [entry.msg_id[-2:] for entry in story.inner.entries()] == ["_1", "_2", "_3", "_4"]


def test_meanwhile_questions_are_answered_from_both() -> None:
    story = Story()
    story.store.open()
    story.store.write([submitted(1), submitted(2)])
    story.inner.error = FULL
    story.store.write([ended(submitted(1))])
    story.store.write([submitted(3)])
    states = [(record["number"], record["state"]) for record in story.store.find({}, ["number", "state"])]
    assert states == [(1, "done"), (2, "waiting"), (3, "waiting")]
    found = story.store.find({"state": "waiting"}, "number", sort="-number", limit=1)
    assert [record["number"] for record in found] == [3]
    assert story.store.count() == 3
    assert [entry.msg_id[-2:] for entry in story.store.unfinished()] == ["_2", "_3"]


def test_it_is_not_tried_again_at_each_task() -> None:
    story = Story()
    story.store.open()
    story.inner.error = FULL
    for number in range(1, 101):
        story.store.write([ended(submitted(number))])
    assert story.inner.tries == 1
    for _ in range(10):
        story.now += 10.0
        story.store.write([])
    assert 4 <= story.inner.tries <= 8
    assert len(story.said) == 1


def test_what_memory_has_no_room_for_is_noted_as_missing() -> None:
    story = Story(limit=20_000)
    story.store.open()
    story.inner.error = FULL
    for number in range(1, 101):
        story.store.write([submitted(number), ended(submitted(number))])
    story.inner.error, story.now = None, 100.0
    written: list[Change] = []
    story.inner.write = written.extend  # type: ignore[method-assign]
    story.store.write([])
    missed = [change for change in written if type(change).__name__ == "Missed"]
    assert [change.tasks.ranges for change in missed] == [((1, 100 - len(story.inner.kept) - _ended(written)),)]
    assert missed[0].why == "tasks.db: database or disk is full"
    assert f"{missed[0].tasks.ranges[0][1]} tasks were lost" in story.said[-1]


def _ended(changes: list[Change]) -> int:
    return sum(type(change).__name__ == "Ended" for change in changes)


def test_a_store_that_cannot_be_opened_now_is_opened_later() -> None:
    story = Story()
    story.inner.error = StoreTrouble("/profile: Read-only file system")
    story.store.open()
    story.store.write([submitted(1), ended(submitted(1)), submitted(2), *purged(submitted(2))])
    assert story.store.count() == 2
    story.inner.error, story.now = None, 100.0
    story.store.write([])
    assert [entry.state for entry in story.inner.entries()] == ["done", "waiting"]


def test_a_store_that_cannot_be_used_is_an_error_at_once() -> None:
    story = Story()
    story.inner.error = StoreUnusable("tasks.db is in use by the controller with pid 3 on here")
    with pytest.raises(StoreUnusable):
        story.store.open()


def test_at_the_end_it_is_tried_once_more() -> None:
    story = Story()
    story.store.open()
    story.inner.error = ValueError("my own store has a fault")
    story.store.write([ended(submitted(1))])
    assert story.said[0].startswith("ValueError: my own store has a fault. Tasks go on")
    story.store.close()
    assert story.said[1] == "ValueError: my own store has a fault. 1 task was not kept"
