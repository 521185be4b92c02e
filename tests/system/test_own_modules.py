"""Modules of the user's own run on engines that lack them, have another edition, or have another of that name."""

from __future__ import annotations

import importlib
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import engineroom
from engineroom import Client, Cluster, PackError, RemoteError
from tests.patience import SECONDS

Write = Callable[..., ModuleType]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that is on the engines' path alone."""
    return tmp_path_factory.mktemp("theirs")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, theirs: Path) -> Iterator[Cluster]:
    made = Cluster(n=2, profile_dir=str(tmp_path_factory.mktemp("profile")))
    with made as rc:
        rc[:].execute(f"import sys; sys.path.insert(0, {str(theirs)!r})").get(SECONDS)
        yield made


@pytest.fixture
def rc(cluster: Cluster) -> Iterator[Client]:
    with cluster.connect_client_sync() as rc:
        yield rc


@pytest.fixture
def name() -> str:
    return f"own_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a file beside the user's script, and imports it, or imports it anew."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def act(name: str, text: str = "", **more: Any) -> ModuleType:
        place(tmp_path, name, text, **more)
        importlib.invalidate_caches()
        return importlib.reload(sys.modules[name]) if name in sys.modules else importlib.import_module(name)

    yield act
    for each in set(sys.modules) - before:
        if each.startswith("own_"):
            del sys.modules[each]


def place(directory: Path, name: str, text: str = "", **more: str | bytes) -> None:
    files = {
        f"{name}.py" if not more else f"{name}/__init__.py": text,
        **{f"{name}/{file}": more[file] for file in more},
    }
    for file, content in files.items():
        path = directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())


def test_a_function_runs_with_the_modules_that_it_imports_and_its_state_stays(
    rc: Client, write: Write, name: str
) -> None:
    write(f"{name}_inner", "factor = 10")
    write(
        name,
        f"""
        import {name}_inner
        calls = []
        def count(x):
            calls.append(x)
            return {name}_inner.factor * x, len(calls)
        """,
    )
    module = sys.modules[name]
    assert [rc[0].apply_sync(module.count, number) for number in (1, 2)] == [(10, 1), (20, 2)]
    assert module.calls == []


def test_a_module_that_only_a_function_imports_travels_too(rc: Client, write: Write, name: str, tmp_path: Path) -> None:
    place(tmp_path, f"{name}_late", "answer = 42")
    module = write(name, f"def late():\n    from {name}_late import answer\n    return answer")
    assert rc[0].apply_sync(module.late) == 42
    assert f"{name}_late" not in sys.modules


def test_instances_are_of_one_class_among_tasks_and_at_home(rc: Client, write: Write, name: str) -> None:
    module = write(
        name,
        """
        class Point:
            def __init__(self, x):
                self.x = x
        class Odd(Exception):
            pass
        def make(x):
            return Point(x)
        def is_point(it):
            return isinstance(it, Point)
        def refuse(x):
            raise Odd(x)
        """,
    )
    balanced = rc.load_balanced_view()
    assert isinstance(rc[0].apply_sync(module.make, 1), module.Point)
    assert rc[0].apply_sync(lambda it: it.x, module.Point(2)) == 2
    assert rc[1].apply_sync(module.is_point, module.Point(3))
    rc[0].push({"kept": module.Point(4)}, block=True)
    assert rc[0].apply_sync(module.is_point, engineroom.Reference("kept"))
    assert rc[0].pull("kept", block=True).x == 4
    assert balanced.map_sync(lambda it: it.x, [module.Point(x) for x in range(5)]) == [0, 1, 2, 3, 4]
    assert [type(each) for each in balanced.map_sync(module.make, range(3))] == [module.Point] * 3
    with pytest.raises(module.Odd) as caught:
        rc[0].apply_sync(module.refuse, 5)
    assert caught.value.args == (5,)


def test_what_is_captured_brings_its_modules(rc: Client, write: Write, name: str) -> None:
    module = write(name, "def double(x):\n    return 2 * x\ndef adder(n):\n    return lambda x: double(x) + n")
    assert rc[0].apply_sync(lambda: module.double(4)) == 8
    assert rc[0].apply_sync(module.adder(1), 4) == 9
    assert rc[0].apply_sync(lambda it: it.double(3), module) == 6


def test_an_edited_module_is_sent_again(rc: Client, write: Write, name: str) -> None:
    module = write(
        name, "class Kind:\n    pass\ndef edition():\n    return 1\ndef is_kind(it):\n    return isinstance(it, Kind)"
    )
    through = lambda: module.edition()  # noqa: E731 (it captures the module, not the function)
    assert (rc[0].apply_sync(module.edition), rc[0].apply_sync(through)) == (1, 1)
    write(
        name, "class Kind:\n    pass\ndef edition():\n    return 2\ndef is_kind(it):\n    return isinstance(it, Kind)"
    )
    assert (rc[0].apply_sync(module.edition), rc[0].apply_sync(through)) == (2, 2)
    assert rc[0].apply_sync(module.is_kind, module.Kind())


def test_an_edit_of_what_a_module_imports_reaches_it(rc: Client, write: Write, name: str) -> None:
    inner = write(f"{name}_inner", "def edition():\n    return 1")
    module = write(name, f"import {name}_inner\ndef ask():\n    return {name}_inner.edition()")
    assert rc[0].apply_sync(module.ask) == 1
    write(f"{name}_inner", "def edition():\n    return 2")
    assert (rc[0].apply_sync(module.ask), inner.edition()) == (2, 2)


def test_two_clients_use_modules_of_one_name_side_by_side(
    cluster: Cluster, rc: Client, write: Write, name: str
) -> None:
    text = "def lazy():\n    import {name}\n    return {name}.edition()\ndef edition():\n    return {edition!r}"
    first = write(name, text.format(name=name, edition="first"))
    assert rc[0].apply_sync(first.lazy) == "first"
    del sys.modules[name]
    second = write(name, text.format(name=name, edition="second"))
    with cluster.connect_client_sync() as other:
        assert other[0].apply_sync(second.lazy) == "second"
        sys.modules[name] = first
        assert rc[0].apply_sync(first.lazy) == "first"
        sys.modules[name] = second
        assert other[0].apply_sync(second.lazy) == "second"


def test_a_package_travels_with_relative_imports_and_data(rc: Client, write: Write, name: str) -> None:
    package = write(
        name,
        "from .inner.deep import use",
        **{
            "inner/__init__.py": "",
            "inner/table.txt": "a table",
            "inner/deep.py": f"""
                import importlib.resources, pkgutil
                from ..other import seven
                def use():
                    from . import late
                    files = importlib.resources.files("{name}.inner")
                    modules = sorted(each.name for each in pkgutil.iter_modules(__import__("{name}").__path__))
                    return (
                        seven, late.eight, pkgutil.get_data("{name}.inner", "table.txt"),
                        files.joinpath("table.txt").read_text(), modules,
                    )
                """,
            "inner/late.py": "eight = 8",
            "other.py": "seven = 7",
        },
    )
    assert rc[0].apply_sync(package.use) == (7, 8, b"a table", "a table", ["inner", "other"])


def test_an_engine_keeps_its_own_copy_of_the_same_module_and_its_state(
    rc: Client, write: Write, name: str, theirs: Path
) -> None:
    text = "state = []\ndef size():\n    return len(state)"
    place(theirs, name, text)
    rc[0].execute(f"import {name}; {name}.state.append(1)").get(SECONDS)
    module = write(name, text)
    assert rc[0].apply_sync(module.size) == 1


def test_an_engines_other_module_gives_way_with_a_warning(rc: Client, write: Write, name: str, theirs: Path) -> None:
    place(theirs, name, "def whose():\n    return 'the engine'")
    rc[0].execute(f"import {name}").get(SECONDS)
    module = write(name, "def whose():\n    return 'the user'")
    with pytest.warns(UserWarning, match=f"had imported another module {name}.*Your functions use yours"):
        assert rc[0].apply_sync(module.whose) == "the user"
    assert rc[0].apply_sync(module.whose) == "the user"
    assert rc[1].apply_sync(module.whose) == "the user"  # that had not imported the other one


def test_a_module_named_like_one_that_an_engine_needs_is_refused_in_words(
    rc: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, "selectors", "def roll():\n    return 6")
    spec: Any = importlib.util.spec_from_file_location("selectors", tmp_path / "selectors.py")
    mine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mine)
    monkeypatch.delitem(sys.modules, "selectors")
    sys.modules["selectors"] = mine
    with pytest.raises(ImportError, match=r"your module 'selectors'.*has the name of one.*Rename your module"):
        rc[0].apply_sync(mine.roll)
    rc[0].execute("import selectors; replaced = hasattr(selectors, 'roll')").get(SECONDS)
    assert rc[0].pull("replaced", block=True) is False


def test_compiled_modules_and_large_packages_are_refused_in_words(
    rc: Client, write: Write, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write(
        name,
        """
        import importlib.resources
        def use():
            from . import _fast
        def read():
            return importlib.resources.files(__name__).joinpath("large.bin").read_bytes()
        """,
        **{"_fast.cpython-311.so": b"no library", "large.bin": bytes((1 << 20) + 1)},
    )
    with pytest.raises(RemoteError, match=r"large.bin.*too large to be sent"):
        rc[0].apply_sync(package.read)
    files = Path(str(package.__file__)).parent
    files.rename(files.with_name("elsewhere"))
    with pytest.raises(ImportError, match=r"is compiled .*only source is sent to engines.*install"):
        rc[0].apply_sync(package.use)
    files.with_name("elsewhere").rename(files)
    other = write(f"{name}_b", "def use():\n    return 1", **{"more.py": "#" * (16 << 20)})
    with pytest.raises(PackError, match=r"more than 16 MiB of source.*Install it on the engines"):
        rc[0].apply_sync(other.use)


def test_a_failing_import_on_the_engine_names_the_module(rc: Client, write: Write, name: str, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "own_nowhere", ModuleType("own_nowhere"))
    module = write(name, "import own_nowhere\ndef use():\n    return 1")
    with pytest.raises(ModuleNotFoundError, match=r"engine has no module 'own_nowhere'.*needed to unpack.*'use'"):
        rc[0].apply_sync(module.use)


def test_results_bring_their_modules_to_engines_that_lack_them(rc: Client, write: Write, name: str) -> None:
    write(
        name,
        """
        class Box:
            def __init__(self, value):
                self.value = value

        def make(value):
            return Box(value)
        """,
    )
    make = sys.modules[name].make
    first, second = rc[0], rc[1]
    held = first.apply_async(make, 1)
    assert second.apply_async(lambda box: box.value, held).get(SECONDS) == 1  # not known to have ended

    large = first.apply_async(make, bytes(100_000))
    large.get(SECONDS)
    assert second.apply_async(lambda box: len(box.value), large).get(SECONDS) == 100_000  # by its bytes

    through = held
    for engine in (first, second, first, second):
        through = engine.apply_async(lambda box: box, through)
    assert second.apply_async(lambda boxes: boxes[0].value, [through]).get(SECONDS) == 1


def test_what_engines_hold_brings_its_module_as_a_result(rc: Client, write: Write, name: str) -> None:
    write(name, "class Box: value = 1")
    rc[0].push({"held": sys.modules[name].Box()}, block=True)

    pulled = rc[0].pull("held", block=False)
    kept = rc[0].apply_async(lambda box: box, engineroom.Reference("held"))
    assert rc[1].apply_async(lambda *boxes: [box.value for box in boxes], pulled, kept).get(SECONDS) == [1, 1]
