"""Records are kept within limits in memory, written in groups elsewhere, and given up where a store is too slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from engineroom.controller.functions import FunctionShelf
from engineroom.controller.recording.account import account
from engineroom.controller.recording.changes import Scribe, expired
from engineroom.controller.recording.held_functions import HeldFunctions
from engineroom.controller.recording.lasting import TOGETHER, LastingKeeper
from engineroom.controller.recording.memory import MemoryKeeper
from engineroom.controller.recording.writer import Group, Writer
from engineroom.core.events import ClientGone, EngineUp
from engineroom.ids import TaskId
from engineroom.protocol.messages import Delivered, EngineInfo, Finished, Function, Output
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import Change, Ended, HeldFunction, Missed, Submitted
from engineroom.store.entry import Entry
from engineroom.store.interface import Store
from engineroom.store.memory import MemoryStore
from tests.patience import SECONDS, turns
from tests.unit.core.pretend import OK, Play, instance_id, session_id, submit, task

CLIENT, ENGINE = 1, 10


class Stage:
    """A core that records, and tasks that come and end on it."""

    def __init__(self, *, early: bool = False) -> None:
        self.play = Play(recording=True)
        self.play.state.journal.early = early
        self.play.connect(CLIENT)
        self.play(ENGINE, EngineUp(instance_id(0), EngineInfo(host="here", pid=7)))
        self.scribe = Scribe(1000.0)
        self.last = 0

    def end(self, count: int, body: bytes = b"", *, deliver: bool = True) -> None:
        for _ in range(count):
            self.last += 1
            self.play(CLIENT, submit(self.last))
            self.play(ENGINE, Output(task(self.last), 1, 1, 0, f"task {self.last}"))
            self.play(ENGINE, Finished(self.last, task(self.last), 1, OK, body))
        if deliver:
            self.play(CLIENT, Delivered(self.last))


def numbers(entries: Sequence[Entry]) -> list[int]:
    return [int.from_bytes(entry.task[16:]) for entry in entries]


def everything(store: Store) -> list[Entry]:
    return list(store.entries())


async def keep(stage: Stage, keeper: MemoryKeeper, count: int, body: bytes = b"") -> None:
    for _ in range(count):
        stage.end(1, body)
        keeper.take(stage.play.state.journal)


@pytest.mark.parametrize("asked_after", [0, 3, 7, 12])
def test_the_last_tasks_are_kept_whenever_somebody_asks(asked_after: int) -> None:
    async def story() -> None:
        stage = Stage()
        keeper = MemoryKeeper(stage.play.state, stage.scribe, MemoryStore(record_limit=5, cull_fraction=0.0))
        await keep(stage, keeper, asked_after)
        await keeper.ask(everything)
        await keep(stage, keeper, 20 - asked_after)

        found = await keeper.ask(everything)

        assert numbers(found) == [16, 17, 18, 19, 20]
        assert all(entry.delivered for entry in found)
        [piece] = found[0].output
        assert isinstance(piece, Output)
        assert piece.text == "task 16"
        audit = await keeper.ask(lambda store: account(store, {session_id(CLIENT): 20}, "", verify=True))
        assert (audit["delivered"], audit["retired"], audit["missing"], audit["twice"]) == (5, 15, [], [])
        await keeper.close()

    asyncio.run(story())


@pytest.mark.parametrize("asked_after", [0, 130])
def test_tasks_that_end_one_by_one_are_dropped_together_and_none_is_missing(asked_after: int) -> None:
    async def story() -> None:
        stage = Stage()
        keeper = MemoryKeeper(stage.play.state, stage.scribe, MemoryStore(record_limit=100, cull_fraction=0.0))
        await keep(stage, keeper, asked_after)
        await keeper.ask(everything)
        await keep(stage, keeper, 300 - asked_after)
        assert 100 <= keeper._count < 105
        assert len(keeper._batches) <= 21

        found = await keeper.ask(everything)

        assert numbers(found) == list(range(201, 301))
        audit = await keeper.ask(lambda store: account(store, {session_id(CLIENT): 300}, "", verify=True))
        assert (audit["delivered"], audit["retired"], audit["missing"], audit["twice"]) == (100, 200, [], [])
        await keeper.close()

    asyncio.run(story())


def test_bytes_are_bounded_as_well() -> None:
    async def story() -> None:
        stage = Stage()
        store = MemoryStore(record_limit=1_000_000, size_limit=100_000)
        keeper = MemoryKeeper(stage.play.state, stage.scribe, store)
        await keep(stage, keeper, 50, bytes(10_000))
        assert 4 <= keeper._count <= 10
        found = await keeper.ask(everything)
        assert numbers(found)[-1] == 50
        assert len(found) <= 10
        await keeper.close()

    asyncio.run(story())


def test_where_memory_is_scarce_less_is_kept_until_it_is_not() -> None:
    left = [1 << 40]

    async def story() -> None:
        stage, body = Stage(), bytes(1 << 20)
        store = MemoryStore(size_limit=64 << 20)
        keeper = MemoryKeeper(stage.play.state, stage.scribe, store, lambda size: size <= left[0])

        async def kept(there: int, *, asked: bool) -> int:
            left[0] = there
            await keep(stage, keeper, 40, body)
            return len(await keeper.ask(everything)) if asked else keeper._count

        assert await kept(1 << 40, asked=False) == 40
        assert await kept(1 << 20, asked=False) < 8
        assert await kept(1 << 40, asked=True) > 20
        assert await kept(1 << 20, asked=False) < 8
        assert await kept(1 << 20, asked=True) < 8
        await keeper.close()

    asyncio.run(story())


def test_tasks_that_have_not_ended_are_found_as_they_are_now() -> None:
    async def story() -> None:
        stage = Stage()
        keeper = MemoryKeeper(stage.play.state, stage.scribe, MemoryStore())
        stage.play(CLIENT, submit(1))
        [entry] = await keeper.ask(everything)
        assert (entry.state, entry.place.host, entry.place.pid) == ("running", "here", 7)
        stage.last = 1
        stage.play(ENGINE, Finished(1, task(1), 1, OK))
        keeper.take(stage.play.state.journal)
        [entry] = await keeper.ask(everything)
        assert (entry.state, entry.delivered) == ("done", False)
        stage.play(CLIENT, Delivered(1))
        [entry] = await keeper.ask(everything)
        assert entry.delivered
        await keeper.close()

    asyncio.run(story())


class Written(Store):
    """A store that notes what it is given, once it is `let`."""

    on_disk, where = True, "the store of this test"

    def __init__(self, *, slow: bool = False) -> None:
        self.groups: list[list[Change]] = []
        self.let, self.written = threading.Event(), threading.Semaphore(0)
        if not slow:
            self.let.set()

    def write(self, changes: Sequence[Change]) -> None:
        self.let.wait(SECONDS)
        if changes:
            self.groups.append(list(changes))
            self.written.release()

    def all(self) -> list[Change]:
        return [change for group in self.groups for change in group]


def ended(number: int) -> Group:
    change = Submitted(task(number), submit(number), 0.0)
    return Group(lambda: [change], number, lambda: [task(number)], 1, 100)


def test_what_waits_is_written_together_and_told() -> None:
    store, told = Written(slow=True), []
    its = Writer(store, on_written=lambda last, groups: told.append((last, groups)), report=print)
    for number in range(1, 6):
        its.put(ended(number))
    its.start()
    store.let.set()
    its.close(SECONDS)

    assert [len(group) for group in store.groups] == [5]
    assert told == [(5, 5)]


def test_a_store_that_cannot_keep_up_is_told_of_once_and_the_gap_is_written() -> None:
    store, told, words = Written(slow=True), [], list[str]()
    its = Writer(store, on_written=lambda last, groups: told.append((last, groups)), report=words.append, most=3)
    for number in range(1, 11):
        its.put(ended(number))
    assert its.trouble == "the store of this test: it is too slow for so many tasks"
    its.start()
    store.let.set()
    its.close(SECONDS)

    written = {change.task for change in store.all() if isinstance(change, Submitted)}
    gap = {each for change in store.all() if isinstance(change, Missed) for each in change.tasks.tasks()}
    assert written | gap == {task(number) for number in range(1, 11)}
    assert not written & gap
    assert len(written) == 3
    assert max(last for last, _ in told) == 10
    assert sum(groups for _, groups in told) == 10
    assert [text.partition(". ")[2] for text in words] == [
        "Tasks go on; some of them are not recorded",
        "Tasks that were not recorded meanwhile: 7",
    ]
    assert its.trouble == ""


def lasting(stage: Stage, store: Store) -> tuple[LastingKeeper, list[int]]:
    committed: list[int] = []
    functions = HeldFunctions(FunctionShelf())
    return LastingKeeper(store, stage.scribe, functions, committed=committed.append, report=print), committed


def test_short_tasks_are_written_once_and_their_results_released_then() -> None:
    async def story() -> None:
        stage, store = Stage(early=True), Written()
        keeper, committed = lasting(stage, store)
        stage.end(10)
        keeper.take(stage.play.state.journal)
        await keeper.look_up(everything_written)

        assert [change.task for change in store.all() if isinstance(change, Ended)] == [task(n) for n in range(1, 11)]
        assert not [change for change in store.all() if isinstance(change, Submitted)]
        assert committed[-1:] == [10]
        await keeper.close()

    asyncio.run(story())


def everything_written(store: Store) -> list[TaskId]:
    del store
    return []


def test_tasks_that_go_on_are_written_when_their_client_goes() -> None:
    async def story() -> None:
        stage, store = Stage(early=True), Written()
        keeper, _ = lasting(stage, store)
        stage.play(CLIENT, submit(1))
        keeper.take(stage.play.state.journal)
        assert not store.groups
        await keeper.kept()

        assert [change.task for change in store.all() if isinstance(change, Submitted)] == [task(1)]
        await keeper.close()

    asyncio.run(story())


def test_ends_are_written_at_once_although_other_tasks_go_on() -> None:
    async def story() -> None:
        now = [1000.0]
        asyncio.get_running_loop().time = lambda: now[0]  # type: ignore[method-assign]
        stage, store = Stage(early=True), Written()
        keeper, _ = lasting(stage, store)
        stage.play(CLIENT, submit(1))
        keeper.take(stage.play.state.journal)
        now[0] += 2 * TOGETHER
        await turns()  # nothing is to be written of it yet
        stage.last = 1
        stage.end(1)
        keeper.take(stage.play.state.journal)
        now[0] += 2 * TOGETHER
        assert await asyncio.to_thread(store.written.acquire, timeout=SECONDS)

        assert [change.task for change in store.all() if isinstance(change, Ended)] == [task(2)]
        await keeper.close()

    asyncio.run(story())


def test_the_end_waits_until_all_is_written() -> None:
    async def story() -> Written:
        stage, store = Stage(early=True), Written(slow=True)
        keeper, _ = lasting(stage, store)
        stage.end(3)
        keeper.take(stage.play.state.journal)
        threading.Timer(0.1, store.let.set).start()
        await keeper.close()
        return store

    store = asyncio.run(story())
    assert len([change for change in store.all() if isinstance(change, Ended)]) == 3


def test_functions_outlive_the_shelf_within_bounds() -> None:
    shelf = FunctionShelf()
    held = HeldFunctions(shelf, most_bytes=250)
    for name in b"abc":
        digest = bytes([name]) * 16
        shelf.put(Function(digest, bytes(100)), None)
        held.dropping(digest)
        shelf.drop(digest)

    assert held.get(b"a" * 16) is None
    assert isinstance(held.get(b"b" * 16), HeldFunction)
    assert isinstance(held.get(b"c" * 16), HeldFunction)


def test_what_is_missing_is_found() -> None:
    store = MemoryStore()
    stage = Stage()
    stage.end(5)
    endings = stage.play.state.journal.ended
    store.write([stage.scribe.ended(endings[number]) for number in (0, 1, 4)])

    audit = account(store, {}, "", verify=True)

    assert audit["missing"] == [{"session": session_id(CLIENT).hex(), "first": 3, "last": 4}]
    assert audit["missing_count"] == 2
    assert audit["submitted"] == 3


def test_results_that_were_not_fetched_in_time_are_counted_apart() -> None:
    store, stage = MemoryStore(), Stage()
    stage.end(4)
    ranges = TaskRanges(session_id(CLIENT), ((2, 3),))
    store.write([*map(stage.scribe.ended, stage.play.state.journal.ended), *expired([ranges])])

    audit = account(store, {}, "", verify=True)

    assert (audit["expired"], audit["unfetched"], audit["submitted"]) == (2, 2, 4)


@pytest.mark.parametrize("early", [False, True])
def test_every_keeper_notes_what_the_core_lets_go(*, early: bool) -> None:
    async def story() -> dict[str, object]:
        stage, store = Stage(early=early), MemoryStore()
        keeper = lasting(stage, store)[0] if early else MemoryKeeper(stage.play.state, stage.scribe, store)
        stage.end(2, deliver=False)
        stage.play(CLIENT, ClientGone())
        stage.play.tick(stage.play.state.limits.linger + 1)
        keeper.take(stage.play.state.journal)
        assert not stage.play.state.journal
        found = await keeper.ask(lambda store: account(store, {}, "", verify=True))
        await keeper.close()
        return found

    assert asyncio.run(story())["expired"] == 2
