"""Flags about time, priority and needs: what they mean, and which values they may have."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engineroom.client.client import Client
from engineroom.errors import NoSuchFlag
from engineroom.protocol.messages import DEFAULT_OPTIONS, Options, Submit, Terms
from engineroom.settings.amounts import amount_of, resources_of, tags_of
from tests.unit.client.fake_controller import FakeController


def options(fake: FakeController) -> Options:
    """Return how the last call may be treated, whether it is a part of a map or not."""
    last = next(message for message in reversed(fake.heard) if isinstance(message, Submit))
    return replace(last.options, of_map=None)


@pytest.mark.parametrize("wrong", [0, -1, -0.0, math.nan, math.inf, -math.inf, 1e11])
def test_a_time_limit_is_above_0_and_finite(rc: Client, wrong: float) -> None:
    for view in (rc[:], rc[0], rc.load_balanced_view()):
        for call in (view.with_flags, view.set_flags):
            with pytest.raises(ValueError, match="time_limit must be a number of seconds above 0"):
                call(time_limit=wrong)
        with pytest.raises(ValueError, match="time_limit"):
            view.time_limit = wrong
        assert view.time_limit is None


@pytest.mark.parametrize("wrong", ["5", b"5", True, [5], {}, 1j])
def test_a_time_limit_is_a_number(rc: Client, wrong: Any) -> None:
    with pytest.raises(TypeError, match="time_limit must be a number of seconds, or None for no limit"):
        rc.load_balanced_view(time_limit=wrong)


def test_flags_are_what_the_controller_is_told(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view(priority=3, time_limit=2, on_time_limit="restart")
    view.apply_sync(abs, 1)
    assert options(fake) == Options(priority=3, terms=Terms(2.0, restart=True))
    view.with_flags(time_limit=None).apply_sync(abs, 1)
    assert options(fake) == Options(priority=3)
    needs = rc.load_balanced_view(gpu=1, memory="4GiB", tag="big", resources={"licence": 2, "gpu": 7})
    needs.map_sync(abs, [1])
    wanted = Terms(resources=(("gpu", 1.0), ("licence", 2.0), ("memory", 4.0 * 2**30)), tags=("big",))
    assert options(fake) == Options(terms=wanted)
    rc[:].with_flags(time_limit=0.5).push({"a": 1}, block=True)
    assert options(fake) == Options(terms=Terms(0.5))
    rc[0].with_flags(time_limit=0.5).execute("1", block=True)
    assert options(fake) == Options(terms=Terms(0.5))
    rc.load_balanced_view(gpu=0, memory=None, tag=()).apply_sync(abs, 1)
    assert options(fake) is DEFAULT_OPTIONS or options(fake) == DEFAULT_OPTIONS


def test_flags_reach_executors_and_remote_functions(rc: Client, fake: FakeController) -> None:
    view = rc.load_balanced_view(priority=2, time_limit=9)
    assert view.executor.submit(abs, -1).result() == 1
    assert options(fake) == Options(priority=2, terms=Terms(9.0))
    assert list(view.executor.map(abs, [-1, 2])) == [1, 2]
    assert options(fake) == Options(priority=2, terms=Terms(9.0))
    assert list(view.imap(abs, [-1])) == [1]
    assert options(fake) == Options(priority=2, terms=Terms(9.0))
    assert rc.load_balanced_view().remote(block=True, time_limit=3)(abs)(-4) == 4
    assert options(fake) == Options(terms=Terms(3.0))


def test_a_map_with_a_time_limit_has_one_item_a_task(rc: Client) -> None:
    assert len(rc.load_balanced_view(time_limit=5).map_async(abs, range(10)).msg_ids) == 10
    assert len(rc.load_balanced_view(time_limit=5).map_async(abs, range(10), chunksize=5).msg_ids) == 2


@pytest.mark.parametrize(
    ("flags", "error", "words"),
    [
        ({"priority": "high"}, TypeError, "priority must be a whole number"),
        ({"priority": 1.5}, TypeError, "priority must be a whole number"),
        ({"on_time_limit": "kill"}, ValueError, "on_time_limit must be 'interrupt' or 'restart'"),
        ({"gpu": -1}, ValueError, "gpu must be 0 or more"),
        ({"gpu": "one"}, ValueError, "gpu must be a number, or a number with a unit"),
        ({"memory": "4 elephants"}, ValueError, "memory must be a number, or a number with a unit"),
        ({"memory": math.nan}, ValueError, "memory must be a number from 0"),
        ({"memory": True}, TypeError, "memory must be a number or text"),
        ({"resources": ["gpu"]}, TypeError, "resources must be a dict"),
        ({"resources": {1: 1}}, TypeError, "the name of a resource must be text"),
        ({"resources": {"": 1}}, ValueError, "cannot be the name of a resource"),
        ({"resources": {f"r{n}": 1 for n in range(30)}}, ValueError, "at most 18 resources"),
        ({"tag": 3}, TypeError, "tag must be text"),
        ({"tag": [""]}, ValueError, "cannot be the name of a tag"),
        ({"gpus": 1}, NoSuchFlag, "no flag gpus"),
        ({"time_limt": 1}, NoSuchFlag, "no flag time_limt"),
    ],
)
def test_wrong_values_are_refused_before_any_flag_is_set(rc: Client, flags: Any, error: Any, words: str) -> None:
    view = rc.load_balanced_view()
    with pytest.raises(error, match=words):
        view.set_flags(label="new", **flags)
    assert view.label == ""


def test_a_priority_out_of_range_is_refused_at_the_call(rc: Client) -> None:
    with pytest.raises(ValueError, match="priority must be between"):
        rc.load_balanced_view(priority=2**40).apply(abs, 1)


def test_direct_views_say_what_to_use_for_needs(rc: Client) -> None:
    with pytest.raises(NoSuchFlag):
        rc[:].with_flags(gpu=1)
    with pytest.raises(AttributeError, match=r"load_balanced_view\(gpu=1\)"):
        rc[:].gpu = 1  # type: ignore[attr-defined]


UNITS = {
    "": 1,
    "B": 1,
    "k": 1000,
    "kB": 1000,
    "KiB": 1024,
    "MB": 10**6,
    "MiB": 2**20,
    "G": 10**9,
    "GiB": 2**30,
    "TiB": 2**40,
}


@given(st.integers(0, 1000), st.sampled_from(sorted(UNITS)), st.sampled_from(["", " "]))
def test_amounts_have_units(number: int, unit: str, gap: str) -> None:
    assert amount_of("memory", f"{number}{gap}{unit}") == number * UNITS[unit]
    assert amount_of("memory", number) == number


@given(st.text())
def test_any_text_is_an_amount_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert 0 <= amount_of("memory", text) <= 1e18


def test_needs_are_in_order_and_nothing_is_no_need() -> None:
    assert resources_of({"b": 1, "a": "2k", "c": 0}) == (("a", 2000.0), ("b", 1.0))
    assert tags_of(["b", "a", "b"]) == ("a", "b")
    assert tags_of("one") == ("one",)
    assert tags_of(None) == tags_of("") == tags_of([]) == ()
