"""Modules of the user's own: which they are, what travels of them, and what an engine makes of that."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.serialize.functions.packing import FunctionPacker, pack_call
from engineroom.serialize.modules.own import OwnModules, is_installed
from engineroom.serialize.modules.prelude import hashes_in, needed_by, with_prelude
from engineroom.serialize.modules.unit import Unit, unpacked
from engineroom.serialize.payloads import pack, pack_names, unpack


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of the user's, whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


def test_installed_modules_and_those_of_python_are_not_the_users_own() -> None:
    own = OwnModules()
    assert own.any()  # this test is
    assert not own.loaded.keys() & {"numpy", "json", "engineroom", "pytest", "sys", "__main__"}
    assert "tests" in own.loaded
    assert is_installed(json_file()) and not is_installed(__file__)


def json_file() -> str:
    return str(importlib.import_module("json").__file__)


def test_a_module_that_comes_later_is_found(directory: Path) -> None:
    own = OwnModules()
    own.any()
    assert "own_later" not in own.loaded
    (directory / "own_later.py").write_text("x = 1")
    importlib.import_module("own_later")
    assert own.any() and "own_later" in own.loaded


def test_a_module_in_the_place_of_another_is_found(directory: Path) -> None:
    own = OwnModules()
    own.any()
    here = sys.modules.pop("colorsys", None)
    try:
        (directory / "colorsys.py").write_text("x = 1")
        importlib.invalidate_caches()
        importlib.import_module("colorsys")
        assert own.any() and "colorsys" in own.loaded
    finally:
        sys.modules.pop("colorsys")
        if here is not None:
            sys.modules["colorsys"] = here


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=5), st.recursive(st.integers() | st.text(), st.lists))
def test_a_pickle_with_a_prelude_is_the_same_value(hashes: list[bytes], value: object) -> None:
    shared = [value, value]
    begun = with_prelude(pickle.dumps(shared, 5), hashes)
    assert hashes_in(begun) == b"".join(hashes)
    one, other = unpack(begun)
    assert one == value == other
    assert hashes_in(pickle.dumps(shared, 5)) == b""


@given(
    st.dictionaries(st.text(max_size=20), st.binary(max_size=50), max_size=5),
    st.lists(st.text(max_size=10), max_size=3),
)
def test_a_unit_arrives_as_it_was_and_has_the_hash_of_its_content(files: dict[str, bytes], left: list[str]) -> None:
    unit = Unit("root", ("/home/me",), files, tuple(left))
    assert unpacked(unit.packed(b"needs")) == unit
    assert unit.digest() == Unit("root", ("/home/me",), dict(reversed(files.items())), tuple(left)).digest()
    assert unit.digest() != unit._replace(files={**files, "root/more.py": b""}).digest()
    assert unit.packed(b"one") != unit.packed(b"other")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import a", {"a"}),
        ("import a.b as c, d", {"a", "d"}),
        ("from a.b import c", {"a"}),
        ("from . import b\nfrom .c import d", set()),
        ("def f():\n    from a import (\n        b,\n    )", {"a"}),
        ("x = importlib.import_module('plug')", {"plug"}),
        ("imported = from_here", set()),
    ],
)
def test_what_a_module_imports_is_read_from_its_source(source: str, names: set[str]) -> None:
    assert Unit("root", ("",), {"root.py": source.encode()}).imports() == names


def test_arguments_and_pushed_values_say_what_they_stand_on(directory: Path) -> None:
    (directory / "own_kind.py").write_text("class Kind:\n    pass\ndef f(x):\n    return x")
    module = importlib.import_module("own_kind")
    [alone] = needed_by(pack_call((module.Kind(),), {}))
    assert list(needed_by(pack_names({"a": module.Kind(), "b": module.f}))) == [alone]
    assert list(needed_by(pack([module.Kind(), bytes(1 << 21)]))) == [alone]
    assert list(needed_by(pack_call((1, "own_kind"), {}))) == []
    assert unpack(pack(module.f)) is module.f
    packer = FunctionPacker()
    body = pack_call((module.Kind(),), {})
    function = packer.pack(module.f)
    assert [part.hash for part in function.parts] == [alone]
    assert packer.carrying(function, body) is function
    plain = packer.pack(abs)
    carrying = packer.carrying(plain, body)
    assert carrying is not None and carrying.parts == function.parts and carrying.hash != plain.hash
    assert packer.carrying(plain, body) is carrying and packer.carrying(plain, pack_call((1,), {})) is plain
    pushed = packer.carrying(None, body)
    assert pushed is not None and pushed.parts == function.parts


def test_a_function_is_packed_again_only_when_a_module_was_loaded_again(directory: Path) -> None:
    (directory / "own_again.py").write_text("def f():\n    return 1")
    module = importlib.import_module("own_again")
    through = lambda: module.f()  # noqa: E731 (it names the module, not the function)
    packer = FunctionPacker()
    first = packer.pack(through)
    assert packer.pack(through) is first
    (directory / "own_again.py").write_text("def f():\n    return 22")
    assert packer.pack(through) is first  # nobody has loaded it
    importlib.reload(module)
    assert packer.pack(through).hash != first.hash


def test_of_a_package_only_what_was_loaded_again_changes(directory: Path) -> None:
    package = directory / "own_package"
    package.mkdir()
    for name in ("__init__", "one", "two"):
        (package / f"{name}.py").write_text(f"def f():\n    return '{name} 1'")
    one = importlib.import_module("own_package.one")
    two = importlib.import_module("own_package.two")
    packer = FunctionPacker()
    packer.pack(one.f)
    for name in ("one", "two"):
        (package / f"{name}.py").write_text(f"def f():\n    return '{name} 22'")
    importlib.reload(two)
    [part] = packer.pack(two.f).parts
    files = unpacked(part._segments[1]).files  # type: ignore[arg-type]  # bytes
    assert b"one 1" in files["own_package/one.py"] and b"two 22" in files["own_package/two.py"]
