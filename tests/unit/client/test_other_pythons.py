"""Engines of another Python, and the versions of packages on both sides."""

from __future__ import annotations

import math

import pytest

from engineroom import Client, PackError
from engineroom.client.engines.versions import Versions, version_of
from engineroom.protocol.messages import EngineInfo
from tests.conftest import wait_until
from tests.unit.client.fake_controller import FakeController

captured = 5


@pytest.fixture
def mixed(rc: Client, fake: FakeController) -> Client:
    """A client of engines 0 and 1, the second of which runs Python 2.9."""
    fake.info = EngineInfo(python="2.9")
    fake.do(fake.leave, 1, "restarted")
    fake.do(fake.join, 1)
    assert wait_until(lambda: rc._session.engines.other_python)
    return rc


def test_compiled_code_is_refused_by_an_engine_of_another_python(mixed: Client) -> None:
    assert mixed[0].apply_sync(lambda: captured) == 5
    for call in (
        lambda: mixed[1].apply_async(lambda: captured),
        lambda: mixed[:].apply_async(lambda: captured),
        lambda: mixed[1].map_async(lambda x: x, [1]),
    ):
        with pytest.raises(
            PackError, match=r"(<lambda>'|of this map) cannot be sent to engine 1 \(Python 2\.9\).*a module"
        ):
            call()
    with pytest.raises(PackError, match=r"argument of 'map' cannot be sent to engine 1"):
        mixed[1].apply_async(map, lambda x: x, [1])
    with pytest.raises(PackError, match=r"a value cannot be sent to engine 1"):
        mixed[1].push({"f": lambda: 1})


def test_it_takes_what_it_can_import(mixed: Client, fake: FakeController) -> None:
    fake.holding = True
    calls = [mixed[1].apply_async(math.sqrt, 4.0), mixed[1].push({"a": [1, 2]}, block=False)]
    assert wait_until(lambda: len(fake.held) == 2)
    fake.do(fake.go_on)
    assert calls[0].get() == 2.0


def test_balanced_tasks_of_compiled_code_keep_to_the_others(mixed: Client, fake: FakeController) -> None:
    fake.holding = True
    mixed.load_balanced_view().apply_async(lambda: captured)
    mixed.load_balanced_view().apply_async(abs, -1)
    assert wait_until(lambda: len(fake.held) == 2)
    assert [submit.options.engines for submit, _ in fake.held] == [(0,), None]
    with pytest.raises(PackError, match=r"engine 1 \(Python 2\.9\)"):
        mixed.load_balanced_view([1]).apply_async(lambda: captured)


def test_versions_are_a_table_with_what_differs_first(rc: Client) -> None:
    found = rc.versions("cloudpickle", "no_such_package")
    assert list(found) == ["python", "cloudpickle", "no_such_package"]
    assert found["cloudpickle"] == {
        "client": version_of("cloudpickle"),
        0: found["cloudpickle"][0],
        1: found["cloudpickle"][1],
    }
    assert found.differences == []
    assert found["no_such_package"] == {"client": None, 0: None, 1: None}
    assert repr(found).endswith("all 3 are the same")
    assert {"engineroom", "numpy", "msgspec"} <= set(rc.versions())


def test_differences_are_marked_and_engines_grouped() -> None:
    found = Versions(
        {
            "python": {"client": "3.11.7", 0: "3.11.7", 1: "3.11.7", 2: "3.12.1"},
            "alpha": {"client": "1", 0: "1", 1: "1", 2: "1"},
            "numpy": {"client": "2.1", 0: "2.0", 1: "2.0", 2: "2.0"},
            "pandas": {"client": "2.2", 0: None, 1: None, 2: "2.2"},
        }
    )
    assert found.differences == ["python", "numpy", "pandas"]
    assert repr(found) == (
        "          client  engines\n"
        "* python  3.11.7  3.11.7 on 0-1; 3.12.1 on 2\n"
        "* numpy   2.1     2.0\n"
        "* pandas  2.2     not installed on 0-1; 2.2 on 2\n"
        "  alpha   1       1\n"
        "3 of 4 differ"
    )
