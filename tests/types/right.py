"""What users write, and the type that a checker finds for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime as dt
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future
from typing import Any, assert_type

import engineroom as er
from engineroom import AsyncMapResult, AsyncResult, Client, DirectView, LazyMapIterator, LoadBalancedView, Many, One


def half(x: float) -> float:
    return x / 2


def words(text: str, sep: str | None = None) -> list[str]:
    return text.split(sep)


def nothing() -> None: ...


async def slow(x: int) -> str:
    return str(x)


class Model:
    def __init__(self, size: int = 1) -> None:
        self.size = size

    def fit(self, data: list[float]) -> Model:
        return self


def views(rc: Client) -> None:
    assert_type(rc[0], DirectView[One])
    assert_type(rc[-1], DirectView[One])
    assert_type(rc[:], DirectView[Many])
    assert_type(rc[[0, 2]], DirectView[Many])
    assert_type(rc[range(2)], DirectView[Many])
    assert_type(rc.direct_view(), DirectView[Many])
    assert_type(rc.direct_view("all", block=True), DirectView[Many])
    assert_type(rc.direct_view(3, label="x"), DirectView[One])
    assert_type(rc.direct_view(targets=[1]), DirectView[Many])
    assert_type(rc.broadcast_view(0, is_coalescing=True, block=True), er.BroadcastView)
    assert_type(rc.broadcast_view().with_flags(is_coalescing=True).apply_sync(half, 1), list[float])
    assert_type(list(rc), list[DirectView[One]])
    assert_type(rc.load_balanced_view(), LoadBalancedView)
    assert_type(rc.load_balanced_view([0, 1], retries=2, rerun_lost=False), LoadBalancedView)
    assert_type(rc[0].set_flags(block=True), DirectView[One])
    assert_type(rc[:].with_flags(track=True, label=None), DirectView[Many])
    assert_type(rc.load_balanced_view().with_flags(retries=1), LoadBalancedView)
    with rc[:].temp_flags(block=True) as view:
        assert_type(view, DirectView[Many])


def calls_on_one(view: DirectView[One]) -> None:
    assert_type(view.apply_async(half, 1), AsyncResult[float])
    assert_type(view.apply_async(words, "a b", sep=" "), AsyncResult[list[str]])
    assert_type(view.apply_async(nothing), AsyncResult[None])
    assert_type(view.apply_async(Model), AsyncResult[Model])
    assert_type(view.apply_async(Model().fit, [1.0]), AsyncResult[Model])
    assert_type(view.apply_async(lambda: 3), AsyncResult[int])
    assert_type(view.apply_async(int, "3"), AsyncResult[int])
    assert_type(view.apply_async(slow, 3), AsyncResult[str])
    assert_type(view.apply_async(half, er.Reference("x")), AsyncResult[float])
    assert_type(view.apply_async(half, er.PrePickled(2.0)), AsyncResult[float])
    assert_type(view.apply_async(er.Reference("model.fit"), [1]), AsyncResult[Any])
    assert_type(view.apply_sync(half, 1), float)
    assert_type(view.apply_sync(slow, 1), str)
    assert_type(view.apply(half, 1), Any)
    assert_type(view.execute("1 + 1"), AsyncResult[er.ExecuteReply])
    assert_type(view.execute("1 + 1", block=True, label="x").get(), er.ExecuteReply)
    assert_type(view.run("script.py"), AsyncResult[Any])
    assert_type(view.push({"a": 1}), Any)
    assert_type(view.pull(["a", "b"], block=True), Any)
    assert_type(view["a"], Any)
    view["a"] = 3
    view.update({"a": 3})


def calls_on_many(view: DirectView[Many]) -> None:
    assert_type(view.apply_async(half, 1), AsyncResult[list[float]])
    assert_type(view.apply_async(words, "a b"), AsyncResult[list[list[str]]])
    assert_type(view.apply_async(slow, 3), AsyncResult[list[str]])
    assert_type(view.apply_sync(half, 1), list[float])
    assert_type(view.apply_sync(slow, 1), list[str])
    assert_type(view.apply(half, 1), Any)
    assert_type(view.execute("1 + 1"), AsyncResult[list[er.ExecuteReply]])
    assert_type(view.scatter("a", [1, 2], flatten=True, dist="r"), Any)
    assert_type(view.gather("a").get(), Any)
    assert_type(view.clear(block=True), Any)
    view.use_cloudpickle()


def maps(rc: Client) -> None:
    balanced = rc.load_balanced_view()
    assert_type(balanced.apply_async(half, 1), AsyncResult[float])
    assert_type(balanced.apply_async(slow, 1), AsyncResult[str])
    assert_type(balanced.apply_sync(words, "x"), list[str])
    for view in (rc[0], rc[:]):
        assert_type(view.map_async(half, [1, 2]), AsyncMapResult[float])
    assert_type(rc[:].map_sync(slow, [1]), list[str])
    assert_type(rc[:].map_sync(half, [1.0], track=True, on_error="stop"), list[float])
    assert_type(balanced.map_async(half, [1, 2], chunksize=4, ordered=False), AsyncMapResult[float])
    assert_type(balanced.map_async(slow, range(3), return_exceptions=True, label="x"), AsyncMapResult[str])
    assert_type(balanced.map_sync(pow, [1], [2]), list[Any])
    assert_type(balanced.map_sync(lambda x: [x], [1]), list[list[Any]])
    assert_type(balanced.map(half, [1], block=True, chunksize=1), Any)
    assert_type(balanced.imap(half, [1], max_outstanding=4), LazyMapIterator[float])
    assert_type(rc[:].imap(slow, [1], ordered=False), LazyMapIterator[str])
    assert_type(next(balanced.imap(half, iter([1]))), float)
    for number in balanced.map_async(half, [1, 2]):
        assert_type(number, float)


def results(one: AsyncResult[float], many: AsyncResult[list[str]], mapped: AsyncMapResult[int]) -> None:
    assert_type(one.get(), float)
    assert_type(one.get(3), float)
    assert_type(one.get(return_exceptions=True), Any)
    assert_type(one.result(timeout=2), float)
    assert_type(one.r, float)
    assert_type(one.exception(), BaseException | None)
    assert_type(many.get(), list[str])
    assert_type(many[0], str)
    assert_type(many[1:], list[str])
    assert_type(many["stdout"], Any)
    assert_type([text.upper() for text in many], list[str])
    assert_type(mapped.get(), list[int])
    assert_type(mapped[0], int)
    assert_type(mapped[:2], list[int])
    assert_type(mapped["stdout"], Any)
    assert_type(iter(mapped), Iterator[int])
    assert_type(list(mapped), list[int])
    assert_type(one.wait(), bool)
    assert_type(one.wait(1.5), bool)
    done, pending = many.wait(1, return_when=FIRST_COMPLETED)
    assert_type(done, set[AsyncResult[Any]])
    assert_type(pending, set[AsyncResult[Any]])
    assert_type(one.wait_interactive(timeout=3), bool)
    assert_type(one.ready(), bool)
    assert_type(one.successful(), bool)
    assert_type(one.cancel(), bool)
    assert_type(one.done(), bool)
    assert_type(one.msg_ids, list[str])
    assert_type(one.get_dict(), dict[int, Any])
    assert_type(one.result_dict, dict[int, Any])
    assert_type((one.progress, one.elapsed, one.serial_time, one.wall_time), tuple[int, float, float, float])
    assert_type(one.stdout, Any)
    assert_type((one.stderr, one.engine_id, one.status, one.error), tuple[Any, Any, Any, Any])
    assert_type(one.metadata.stdout, Any)
    assert_type(one.timedelta(one.started, dt.datetime.now(dt.UTC)), float)
    assert_type(one.split(), tuple[AsyncResult[Any], ...])
    assert_type(AsyncResult.join(one, many, mapped).get(), list[Any])
    assert_type((one.sent, one.owner), tuple[bool, bool])
    one.wait_for_send(1)
    one.abort()
    one.display_outputs(groupby="engine")
    one.add_done_callback(lambda future: print(future.result()))
    assert_type(concurrent.futures.wait([one, one]).done, set[Future[float]])
    assert_type(list(concurrent.futures.as_completed([one])), list[Future[float]])


async def awaited(rc: Client) -> None:
    assert_type(await rc[0].apply_async(half, 1), float)
    assert_type(await rc[:].apply_async(slow, 1), list[str])
    assert_type(await rc.load_balanced_view().map_async(half, [1]), list[float])


def executors(rc: Client) -> None:
    with rc.executor() as pool:
        assert_type(pool.submit(half, 1), Future[float])
        assert_type(pool.submit(slow, 1).result(), str)
        assert_type(list(pool.map(half, [1, 2], timeout=3, chunksize=2)), list[float])
        assert_type(list(pool.map(slow, [1], buffersize=3)), list[str])
    standard: concurrent.futures.Executor = rc.load_balanced_view().executor
    assert_type(standard.submit(half, 1), Future[float])
    assert_type(rc[0].executor.submit(half, 1).result(), float)
    assert_type(rc[:].executor.submit(half, 1).result(), Any)
    assert_type(rc.executor.submit(half, 1).result(), float)
    assert_type(rc.executor([0, 1]).submit(half, 1).result(), float)


def decorators(rc: Client) -> None:
    @rc[:].remote(block=True, label="x")
    def double(x: int) -> int:
        return 2 * x

    @er.remote(rc.load_balanced_view(), retries=2)
    def triple(x: int) -> int:
        return 3 * x

    @rc[:].parallel(dist="r", block=True)
    def total(xs: list[int]) -> int:
        return sum(xs)

    assert_type(double(3), Any)
    assert_type(triple.map([1, 2]), Any)
    assert_type(total([1, 2]), Any)
    assert_type(double, er.RemoteFunction)
    double.block = False

    @er.interactive
    def near(x: int) -> int:
        return x

    assert_type(near(1), int)


def clients(rc: Client) -> None:
    assert_type(rc.ids, list[int])
    assert_type(len(rc), int)
    rc.wait_for_engines(4, timeout=60)
    assert_type(rc.wait_for_engines(4, block=False), Future[None])
    assert_type(rc.wait([rc[0].apply_async(half, 1)], timeout=3), bool)
    assert_type(rc.wait(Future[int]()), bool)
    assert_type(rc.history, list[str])
    assert_type(rc.outstanding, set[str])
    assert_type(rc.queue_status(), dict[Any, Any])
    assert_type(rc.get_result(-1), AsyncResult[Any])
    assert_type(rc.result_status(rc.history), dict[str, Any])
    rc.abort()
    rc.clear(block=True)
    rc.send_signal("SIGINT", targets=[0])
    rc.shutdown(hub=True)
    rc.close()


def without_parameters(view: DirectView, result: AsyncResult, balanced: LoadBalancedView) -> None:
    assert_type(result.get(), Any)
    assert_type(view.apply(half, 1), Any)
    assert_type(balanced.apply_sync(half, 1), float)


def connect(info: dict[str, Any]) -> None:
    with Client(info, timeout=3, profile="x", cluster_id="y", debug=True) as rc:
        assert_type(rc, Client)
    with Client("ipcontroller-client.json", sshserver="me@there", url_file="x") as rc:
        rc[:].push({"a": 1}, block=True)


async def results_in_a_loop(rc: Client, view: LoadBalancedView) -> None:
    assert_type(await view.apply_async(words, "a"), list[str])
    assert_type(await asyncio.wait_for(view.apply_async(half, 1), 5), float)
    assert_type(await asyncio.gather(view.apply_async(half, 1), view.apply_async(words, "a")), tuple[float, list[str]])
    assert_type(await view.map_async(half, [1]), list[float])
    async for item in view.map_async(half, [1]):
        assert_type(item, float)
    async for each in rc[:].apply_async(words, "a"):
        assert_type(each, list[str])
    async for lazy in view.imap(half, [1]):
        assert_type(lazy, float)


def results_by_id(rc: Client, view: LoadBalancedView) -> None:
    result = view.apply_async(half, 1)
    assert_type(result.wait(), bool)
    assert_type(result.timedout, bool)
    assert_type(rc.metadata[result.msg_id].stdout, Any)
    assert_type(list(rc.results), list[str])
    assert_type(len(view.results), int)
    er.publish_data({"a": 1})
