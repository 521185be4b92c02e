"""The public surface: `__all__` is what can be had, and importing it costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

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
