"""What many recorded tasks cost: questions about a million in a file, and the controller's memory at its limit."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from traitlets.config import Config

import engineroom as er
from benchmarks.clusters import cluster, processes, pss
from benchmarks.figures import Figure
from benchmarks.work import noop
from engineroom.ids import SessionId, TaskId, msg_id, task_id
from engineroom.protocol.messages import Call, Kind, Options, Outcome, Result, Status, Submit
from engineroom.protocol.task_ranges import TaskRanges
from engineroom.store.changes import Delivered, Ended
from engineroom.store.entry import Place
from engineroom.store.sqlite.store import SQLiteStore

RECORDED = 1_000_000
_AT_ONCE = 10_000
_ASKED = 15
_SECONDS_APART = 0.001

LIMIT = 128 << 20
_SESSION = SessionId(b"benchmark-of-rec")
_KEYS = ["state", "completed"]


def recorded() -> list[Figure]:
    """Measure questions about a million tasks in a SQLite file, as a client asks them."""
    with tempfile.TemporaryDirectory(prefix="er-bench-") as place:
        path, began = Path(place) / "tasks.db", time.time() - RECORDED * _SECONDS_APART
        _write(path, began)
        config = Config(
            {
                "IPController": {"db_class": "SQLiteDB"},
                "SQLiteDB": {"location": place, "table": "tasks", "record_limit": 0, "size_limit": 0},
            }
        )
        with cluster(1, config=config) as rc:
            return _ask(rc, began)


def _write(path: Path, began: float) -> None:
    store = SQLiteStore(path, "tasks")
    store.open()
    for first in range(1, RECORDED + 1, _AT_ONCE):
        numbers = range(first, first + _AT_ONCE)
        delivered = Delivered(TaskRanges(_SESSION, ((numbers.start, numbers.stop - 1),)))
        store.write([*(_task(number, began) for number in numbers), delivered])
    store.close()


def _task(number: int, began: float) -> Ended:
    task, at = TaskId(task_id(_SESSION, number)), began + number * _SECONDS_APART
    status, took = Status.ERROR if number % 100 == 0 else Status.OK, (number * 7919 % 1000) / 1000
    result = Result(task, number % 4, Outcome(status, at + 0.01, took, ""), b"y" * 20)
    submit = Submit(task, Call(Kind.APPLY, b"f" * 16, b"x" * 40), options=Options())
    return Ended(task, submit, at, result, at + took, 1, Place(number % 4, b"i" * 16, "node1", 1000), size=60)


def _ask(rc: er.Client, began: float) -> list[Figure]:
    names = [msg_id(TaskId(task_id(_SESSION, number * RECORDED // _ASKED + 1))) for number in range(_ASKED)]
    found = [_timed(partial(rc.db_query, {"msg_id": name}, keys=_KEYS), 1) for name in names]
    times = [began + RECORDED * _SECONDS_APART * part for part in (0.0, 0.1, 0.5, 0.9, 0.99)]
    dates = [dt.datetime.fromtimestamp(when, dt.UTC) for when in times]
    kinds: dict[str, dict[str, Any]] = {"as submitted": {}, "as they ended": {"sort": "completed"}}
    figures = [
        Figure(
            name=f"{RECORDED:,} recorded tasks, query by id",
            unit="ms",
            value=median(found),
            reach=5,
            aim=1,
            more=False,
            detail=f"the slowest of {_ASKED}: {max(found):.1f} ms",
        )
    ]
    for words, how in kinds.items():
        per_date = [_first_100(rc, {"state": "done", "completed": {"$gt": date}}, how) for date in dates]
        figures.append(
            Figure(
                name=f"{RECORDED:,} recorded tasks, first 100 by state and time, {words}",
                unit="ms",
                value=max(per_date),
                reach=50,
                aim=10,
                more=False,
                detail=f"the slowest of {len(dates)} times: {', '.join(f'{each:.1f}' for each in per_date)} ms",
            )
        )
    return figures


def _first_100(rc: er.Client, query: dict[str, Any], how: dict[str, Any]) -> float:
    return median(_timed(lambda: rc.db_query(query, keys=_KEYS, limit=100, **how), 100) for _ in range(3))


def _timed(ask: Callable[[], list[Any]], count: int) -> float:
    began = time.perf_counter()
    found = ask()
    took = (time.perf_counter() - began) * 1000
    assert len(found) == count
    return took


def at_the_limit() -> list[Figure]:
    """Measure what the controller grows by until its store in memory lets tasks go, with small and long results."""
    return [_grown("no-ops", _no_ops, 250_000), _grown("results of 16 KiB", _results, 12_000)]


def _no_ops(view: er.LoadBalancedView, count: int) -> list[er.AsyncResult]:
    return [view.apply_async(noop) for _ in range(count)]


def _results(view: er.LoadBalancedView, count: int) -> list[er.AsyncResult]:
    return [view.apply_async(bytes, 16_384) for _ in range(count)]


def _grown(words: str, submit: Callable[[er.LoadBalancedView, int], list[er.AsyncResult]], count: int) -> Figure:
    config = Config({"DictDB": {"size_limit": LIMIT, "record_limit": 10_000_000}})
    with cluster(2, config=config) as rc:
        view = rc.load_balanced_view()
        view.apply_sync(noop)
        [controller] = processes()["controller"]
        before = pss(controller)
        for _ in range(10):
            results = submit(view, count // 10)
            rc.wait(results)
            rc.purge_local_results("all")
            del results
        grown = pss(controller) - before
        retired = rc.audit(verify=False)["retired"]
    assert retired, "the limit was not reached"
    share = grown * 1e6 / LIMIT
    return Figure(
        name=f"controller's memory at its store's limit, {words}",
        unit="x the limit",
        value=share,
        reach=1.2,
        aim=1.1,
        more=False,
        detail=f"{grown:.0f} MB more than at the start, limit {LIMIT / 1e6:.0f} MB; {retired:,} tasks beyond it",
    )
