"""Waiting for engines: how many came, and what is wrong with those that did not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from engineroom.errors import EngineError

if TYPE_CHECKING:
    from engineroom.client.session import Session


def wait_for_engines(session: Session, wanted: int, timeout: float, *, block: bool) -> Future[None] | None:
    """Wait until there are `wanted` engines; with `block=False` return a future of that instead.

    EngineError: an engine left meanwhile. TimeoutError: too few came.
    """
    wait = _waiting(session, wanted, None if timeout < 0 else timeout)
    if block:
        wait()
        return None
    future: Future[None] = Future()

    def run() -> None:
        try:
            future.set_result(wait())
        except Exception as error:  # noqa: BLE001 (handed to whoever has the future)
            future.set_exception(error)

    threading.Thread(target=run, name="engineroom-wait-for-engines", daemon=True).start()
    return future


def _waiting(session: Session, wanted: int, timeout: float | None) -> Callable[[], None]:
    engines = session.engines
    left = engines.left

    def wait() -> None:
        came = session.wait_until(lambda: len(engines.ids) >= wanted or engines.left != left, timeout)
        session.check()
        if len(engines.ids) >= wanted:
            return
        if engines.left != left:
            last = engines.departures[-1]
            raise EngineError(
                f"engine {last.engine} left ({last.cause}) while {wanted} engines were waited for; "
                f"{len(engines.ids)} are there. Its log says more: `ipcluster logs`"
            )
        if not came:
            problems = "".join(f"\n  engine {engine}: {text}" for engine, text in engines.problems().items())
            raise TimeoutError(
                f"{len(engines.ids)} of {wanted} engines are there after {timeout:g} s. Start more by "
                f"`ipcluster engines -n {wanted - len(engines.ids)}`, or look at `ipcluster logs`{problems}"
            )

    return wait
