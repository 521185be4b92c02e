"""What is to be True or False is nothing else: text such as "no" would count as True."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import engineroom as er
from engineroom.client.arguments.switches import switch, switches_of, with_switches
from engineroom.client.client import Client
from engineroom.magics.cell_runner import CellRunner

WRONG = ["yes", "no", "", 3, -1, 0.5, 1.0, [], [True], np.array([True]), object()]
RIGHT = [True, False, None, 1, 0, np.True_, np.bool_(0)]

KINDS = (
    *(er.Client, er.DirectView, er.BroadcastView, er.LoadBalancedView, er.ViewExecutor, er.AsyncResult),
    *(er.AsyncMapResult, er.AsyncHubResult, er.RemoteFunction, er.ParallelFunction, er.Dependency),
    *(er.Cluster, er.ClusterManager, er.LazyMapIterator, CellRunner),
)
BY_THEMSELVES = {"get", "wait"}
NOT_ASKED = {"AsyncHubResult.abort"}
"""What is an error anyway."""


def methods() -> Iterator[tuple[str, Any]]:
    for kind in KINDS:
        for name, member in inspect.getmembers(kind, callable):
            ours = str(getattr(member, "__module__", "")).startswith("engineroom.")
            if ours and not name.startswith("_") and hasattr(member, "__code__") and switches_of(member):
                yield f"{kind.__name__}.{name}", member


@pytest.mark.parametrize("value", WRONG)
def test_what_is_not_a_switch_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="keep must be True or False, not "):
        switch("keep", value)


@pytest.mark.parametrize("value", RIGHT)
def test_what_is_a_switch_is_taken(value: Any) -> None:
    assert switch("keep", value) is value


def refuses(method: Any, args: list[Any], options: dict[str, Any]) -> bool:
    try:
        method(*args, **options).send(None)  # of a coroutine: one step
    except TypeError as error:
        return " must be True or False, not 'yes'" in str(error)
    except Exception:  # noqa: BLE001 (whatever it does without checking)
        return False
    return False


def test_every_method_checks_its_switches() -> None:
    found = [each for each in methods() if each[0].partition(".")[2] not in BY_THEMSELVES]
    assert len(found) > 60
    missing = {
        name for name, method in found for each, _ in switches_of(method) if not refuses(method, [None], {each: "yes"})
    }
    by_place = {
        name
        for name, method in found
        for _, place in switches_of(method)
        if place < len(found) and not refuses(method, [None] * place + ["yes"], {})
    }
    assert missing | by_place == NOT_ASKED


def test_flags_of_views_and_clients_are_switches(rc: Client) -> None:
    result = rc[:].apply_async(abs, -1)
    view: Any = rc[:]
    calls: list[Any] = [
        lambda: view.set_flags(block="no"),
        lambda: setattr(view, "track", "no"),
        lambda: rc.direct_view(block="no"),  # type: ignore[call-overload]
        lambda: rc.load_balanced_view(rerun_lost="no"),  # type: ignore[typeddict-item]
        lambda: rc.broadcast_view(is_coalescing="no"),  # type: ignore[arg-type]
        lambda: setattr(rc, "block", "no"),
        lambda: setattr(rc, "show_output", "no"),
        lambda: result.get(return_exceptions="no"),  # type: ignore[call-overload]
        lambda: result.get(progress="no"),  # type: ignore[call-overload]
        lambda: result.wait(progress="no"),  # type: ignore[call-overload]
        lambda: er.remote(view, "no"),  # type: ignore[arg-type]
        lambda: er.parallel(view, "b", "no"),  # type: ignore[arg-type]
        lambda: er.ParallelFunction(view, abs, "b", True, None, "no"),  # type: ignore[arg-type]
        lambda: er.Dependency([], all="no"),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(TypeError, match="must be True or False, not 'no'"):
            call()
    assert (rc.block, rc.show_output, view.block, view.track) == (False, None, False, False)
    assert result.get(return_exceptions=True) == [1, 1]


def test_users_see_their_own_line(rc: Client) -> None:
    with pytest.raises(TypeError) as caught:
        rc[:].execute("1", block="yes")  # type: ignore[call-overload]
    assert [entry.path for entry in caught.traceback] == [caught.traceback[0].path]


def test_a_function_without_switches_is_itself() -> None:
    assert with_switches(len_of) is len_of


def len_of(value: str) -> int:
    return len(value)
