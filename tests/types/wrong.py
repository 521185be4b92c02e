"""Mistakes that a checker must refuse; each line with one names the code of the error."""

from __future__ import annotations

from engineroom import AsyncResult, Client, DirectView, One


def half(x: float) -> float:
    return x / 2


def views(rc: Client) -> None:
    rc["all"]  # E: index
    rc[1.5]  # E: call-overload
    rc.direct_view(0, colour="red")  # E: call-overload
    rc.direct_view(0, retries=3)  # E: call-overload
    rc.load_balanced_view(retries="three")  # E: arg-type
    rc.load_balanced_view(retry=3)  # E: call-arg
    rc[:].set_flags(blok=True)  # E: call-arg
    rc[:].blok = True  # E: attr-defined
    rc.submit(half, 1)  # E: attr-defined
    rc.hub_histories()  # E: attr-defined
    rc.load_balanced_view().push({"a": 1})  # E: attr-defined
    one: DirectView[One] = rc[:]  # E: assignment
    del one


def calls(rc: Client) -> None:
    number: str = rc[0].apply_sync(half, 1)  # E: assignment
    numbers: float = rc[:].apply_sync(half, 1)  # E: assignment
    rc[0].apply_async("half", 1)  # E: call-overload
    rc[0].apply_async(half(1))  # E: call-overload
    rc[:].map_sync(half, [1], chunksize=3)  # E: call-overload
    rc[:].map_sync(half, [1], y=5)  # E: call-overload
    rc.load_balanced_view().map_async(half, [1], chunk_size=3)  # E: call-overload
    rc.load_balanced_view().map(half, [1], ordred=True)  # E: call-arg
    rc.load_balanced_view().map_async(half, [1], on_error="ignore")  # E: call-overload
    rc[:].imap(half, [1], chunksize=3)  # E: call-overload
    text: str = rc.load_balanced_view().map_async(half, [1])[0]  # E: assignment
    rc[:].execute(half)  # E: call-overload
    rc[:].push(["a"])  # E: arg-type
    rc[:].gather("a", blocking=True)  # E: call-arg
    words: list[str] = rc[:].map_sync(half, [1])  # E: arg-type
    rc.executor().map(half, [1], chunk_size=3)  # E: call-overload
    del number, numbers, text, words


def results(one: AsyncResult[float], many: AsyncResult[list[float]]) -> None:
    print(one.results)  # E: attr-defined
    print(one.std_out)  # E: attr-defined
    for _ in one:  # E: misc
        pass
    text: str = many[0]  # E: assignment
    text = one.get()  # E: assignment
    one.get("soon")  # E: call-overload
    one.task_done(None)  # E: attr-defined
    del text


def clients() -> None:
    Client(timout=3)  # E: call-arg
    Client(timeout="soon")  # E: arg-type
