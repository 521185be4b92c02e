"""The public surface: `__all__` is what can be had, and importing it costs next to nothing."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import engineroom


@pytest.mark.parametrize("package", ["engineroom", "engineroom.client"])
def test_all_is_sorted_and_every_name_is_there(package: str) -> None:
    module = import_module(package)
    assert all(getattr(module, name) is not None for name in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


def test_every_public_error_is_named() -> None:
    from engineroom import errors

    public = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, engineroom.EngineroomError)
    }
    assert public <= set(engineroom.__all__)
    assert set(dir(engineroom)) == set(engineroom.__all__)


def test_methods_have_the_name_of_a_class_that_users_know() -> None:
    """It is in the TypeErrors of wrong arguments."""
    modules = [import_module(name) for name in ("engineroom", "engineroom.cluster", "engineroom.cluster.launcher")]
    known = {name: getattr(module, name) for module in modules for name in module.__all__}
    methods = [
        (f"{name}.{member}", method)
        for name, kind in known.items()
        if inspect.isclass(kind)
        for member, method in inspect.getmembers(kind, inspect.isfunction)
        if (not member.startswith("_") or member == "__init__") and method.__module__.startswith("engineroom.")
    ]
    assert len(methods) > 200
    wrong = {
        shown: (method.__module__, method.__qualname__) for shown, method in methods if not is_known(method, known)
    }
    assert wrong == {}


def is_known(method: Any, known: Mapping[str, object]) -> bool:
    """Whether it, and what it wraps, bears the name of a public class, where it can be found by it."""
    owner, _, name = method.__qualname__.rpartition(".")
    inner = getattr(method, "__wrapped__", None)
    return owner in known and hasattr(known[owner], name) and (inner is None or is_known(inner, known))


def test_wrong_arguments_are_told_of_the_class_that_was_called(rc: engineroom.Client) -> None:
    view, balanced, result = rc[:], rc.load_balanced_view(), rc[:].apply_async(abs, -1)
    calls: dict[str, Callable[[], object]] = {
        "Client.db_query()": lambda: rc.db_query(1, 2, 3),  # type: ignore[misc]
        "DirectView.apply_sync()": lambda: view.apply_sync(),  # type: ignore[call-arg]
        "DirectView.keep()": lambda: view.keep(),  # type: ignore[call-arg]
        "LoadBalancedView.apply_sync()": lambda: balanced.apply_sync(),  # type: ignore[call-arg]
        "LoadBalancedView.map_sync()": lambda: balanced.map_sync(),  # type: ignore[call-arg]
        "AsyncResult.wait_for_send()": lambda: result.wait_for_send(1, 2),  # type: ignore[call-arg]
    }
    for shown, call in calls.items():
        with pytest.raises(TypeError, match=rf"^{re.escape(shown)} (missing|takes)"):
            call()


def test_the_type_checker_sees_the_names_that_are_there() -> None:
    text = Path(engineroom.__file__).read_text()
    block = text.partition("if TYPE_CHECKING:")[2].partition("__all__")[0]
    missing = [name for name in engineroom.__all__ if f" {name}" not in block and "version" not in name]
    assert missing == []


def test_version() -> None:
    assert engineroom.__version__.startswith(".".join(map(str, engineroom.version_info)))


def test_what_engines_import_of_the_client_is_light() -> None:
    code = "import sys, engineroom.client.sequences.chunks; print('asyncio' in sys.modules, 'ssl' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
