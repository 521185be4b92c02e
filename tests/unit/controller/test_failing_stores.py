"""A store that fails: tasks go on, engines need not wait, people are told once, and what can be caught up is."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from engineroom.controller.functions import FunctionShelf
from engineroom.controller.recording.account import account
from engineroom.controller.recording.held_functions import HeldFunctions
from engineroom.controller.recording.lasting import LastingKeeper
from engineroom.store.changes import Change, Ended
from engineroom.store.interface import Store, StoreTrouble
from engineroom.store.memory import MemoryStore
from engineroom.store.sheltered import ShelteredStore
from engineroom.store.sqlite.opening import Surroundings
from engineroom.store.sqlite.store import SQLiteStore
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.unit.controller.test_recording import CLIENT, Stage, everything, numbers
from tests.unit.core.pretend import session_id

NOBODY = 65534


class Shaky(MemoryStore):
    """A store that raises what `fails` returns, at each write; None: it works."""

    on_disk, where = True, "the shaky store"

    def __init__(self, fails: Callable[[], Exception | None]) -> None:
        super().__init__()
        self.fails = fails

    def write(self, changes: Sequence[Change]) -> None:
        if (error := self.fails()) is not None:
            raise error
        super().write(changes)


class Kept:
    """A keeper whose store is sheltered, as each of a controller is, and what is said of it.

    A store that fails is tried again at once, and often.
    """

    def __init__(self, store: Store, *, limit: int = 1 << 20) -> None:
        self.said: list[str] = []
        self.committed = 0
        self.stage = Stage(early=True)
        self.store = ShelteredStore(store, self.said.append, may_begin_without=True, limit=limit, pauses=(0.0, 0.0))
        self.store.open()
        self.keeper = LastingKeeper(
            self.store,
            self.stage.scribe,
            HeldFunctions(FunctionShelf()),
            committed=self._note,
            report=self.said.append,
            idle=0.01,
        )

    def _note(self, last: int) -> None:
        self.committed = last

    async def end(self, count: int) -> list[int]:
        """Have so many tasks end; return all that are found then."""
        self.stage.end(count)
        self.keeper.take(self.stage.play.state.journal)
        found = numbers(await self.keeper.ask(everything))
        assert self.committed == self.stage.last, "an engine would keep its results"
        return found

    async def until_well(self) -> None:
        assert await asyncio.to_thread(wait_until, lambda: not self.store.trouble, SECONDS)

    async def audit(self) -> dict[str, Any]:
        known = {session_id(CLIENT): self.stage.last}
        return await self.keeper.ask(lambda store: account(store, known, self.store.trouble, verify=True))


def headlines(said: list[str]) -> list[str]:
    return [words.partition(". ")[0] for words in said]


@pytest.mark.parametrize(
    ("error", "words"),
    [(StoreTrouble("the disk is full"), "the disk is full"), (ConnectionError("gone"), "ConnectionError: gone")],
)
@pytest.mark.parametrize("times", [1, 4])
def test_what_a_store_could_not_take_is_written_when_it_can(error: Exception, words: str, times: int) -> None:
    async def story() -> None:
        errors = iter([None, *[error] * times])
        inner = Shaky(lambda: next(errors, None))
        kept = Kept(inner)
        assert await kept.end(2) == [1, 2]
        while not kept.said:
            await kept.end(1)
        await kept.until_well()

        assert numbers(everything(inner)) == list(range(1, kept.stage.last + 1))
        assert headlines(kept.said)[0] == words
        assert kept.said[1].startswith("the shaky store works again: ")
        audit = await kept.audit()
        assert (audit["delivered"], audit["missed"], audit["missing"]) == (kept.stage.last, 0, [])
        await kept.keeper.close()
        assert len(kept.said) == 2

    asyncio.run(story())


def test_a_store_that_never_works_is_told_of_once_and_its_tasks_are_found_until_the_end() -> None:
    async def story() -> None:
        kept = Kept(Shaky(lambda: StoreTrouble("no")))
        for round_ in range(1, 4):
            assert await kept.end(2) == list(range(1, 2 * round_ + 1))
        assert headlines(kept.said) == ["no"]
        assert (await kept.audit())["trouble"] == "no"
        await kept.keeper.close()
        assert kept.said[1:] == ["no. 6 tasks were not kept"]

    asyncio.run(story())


def test_tasks_beyond_the_memory_for_them_are_counted_as_missed() -> None:
    async def story() -> None:
        failing = [True]
        kept = Kept(Shaky(lambda: StoreTrouble("full") if failing[0] else None), limit=10_000)
        for _ in range(10):
            await kept.end(3)
        failing[0] = False
        await kept.until_well()

        audit = await kept.audit()
        assert audit["missed"] > 15
        assert (audit["missed"] + audit["delivered"], audit["missing"]) == (30, [])
        assert kept.said[-1].endswith(f"; {audit['missed']} tasks were lost")
        assert await kept.end(1) == [*range(audit["missed"] + 1, 32)]
        await kept.keeper.close()

    asyncio.run(story())


def test_a_file_that_another_program_locks_is_written_when_it_is_free(tmp_path: Path) -> None:
    async def story() -> None:
        kept = Kept(SQLiteStore(tmp_path / "tasks.db", "t", among=Surroundings(patience=0.02)))
        await kept.end(1)
        other = sqlite3.connect(tmp_path / "tasks.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert await kept.end(2) == [1, 2, 3]
        assert "database is locked" in kept.store.trouble
        other.execute("ROLLBACK")
        other.close()
        await kept.until_well()
        await kept.keeper.close()
        assert "works again" in kept.said[1]
        assert recorded(tmp_path / "tasks.db") == [1, 2, 3]

    asyncio.run(story())


def test_a_file_that_is_removed_is_told_of_and_the_account_misses_what_was_in_it(tmp_path: Path) -> None:
    async def story() -> None:
        path, said = tmp_path / "tasks.db", list[str]()
        kept = Kept(SQLiteStore(path, "t", report=said.append))
        await kept.end(2)
        shutil.rmtree(tmp_path)
        assert await kept.end(1) == [3]
        assert said == [f"{path} was removed or replaced: a new file is begun, and earlier tasks are not in it"]
        assert (await kept.audit())["missing_count"] == 2
        await kept.keeper.close()

    asyncio.run(story())


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Path]:
    """Yield a directory in which this process may write nothing, even as root, until that is `allowed`."""
    place = tmp_path / "shut"
    place.mkdir()
    place.chmod(0o500)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    yield place
    os.seteuid(user)
    allowed(place)


def allowed(place: Path) -> None:
    if os.geteuid() == NOBODY:
        os.seteuid(0)
    place.chmod(0o700)


def test_a_directory_that_is_read_only_is_trouble_until_it_is_not(shut: Path) -> None:
    async def story() -> None:
        kept = Kept(SQLiteStore(shut / "tasks.db", "t"))
        assert headlines(kept.said) == [f"{shut / 'tasks.db'}: Permission denied"]
        assert await kept.end(2) == [1, 2]
        assert kept.store.trouble.endswith("Permission denied")
        allowed(shut)
        await kept.until_well()
        await kept.keeper.close()
        assert "2 tasks were written later" in kept.said[-1]
        assert recorded(shut / "tasks.db") == [1, 2]

    asyncio.run(story())


def recorded(path: Path) -> list[int]:
    store = SQLiteStore(path, "t", read_only=True)
    store.open()
    try:
        assert not list(store.damages())
        return numbers(list(store.entries()))
    finally:
        store.close()


def test_a_record_that_cannot_be_made_costs_no_other_group(caplog: pytest.LogCaptureFixture) -> None:
    """It would be an error of ours; it is in the log."""

    async def story() -> list[int]:
        kept = Kept(MemoryStore())
        made = kept.stage.scribe.ended

        def odd(ending: Any) -> Ended:
            if ending[0].number == 2:
                raise LookupError("odd")
            return made(ending)

        kept.stage.scribe.ended = odd  # type: ignore[method-assign]
        for _ in range(3):
            found = await kept.end(1)
        await kept.keeper.close()
        return found

    assert asyncio.run(story()) == [1, 3]
    assert "because of an error in engineroom" in caplog.text
