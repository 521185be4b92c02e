"""Who may import whom: the contracts of pyproject.toml, and how little `import engineroom` costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("IPython", "asyncio", "cryptography", "numpy", "rich", "ssl", "uvloop")


def test_the_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_engineroom_leaves_the_heavy_modules_for_later() -> None:
    code = f"import sys, engineroom; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", ["client.client", "cluster", "client.pictured", "cluster.owner.pictured"])
def test_nothing_that_draws_is_loaded_before_something_is_shown(module: str) -> None:
    code = f"import sys, engineroom.{module}; print(*{{'rich', 'IPython'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize("command", ["ipcluster", "ipcontroller", "ipengine"])
def test_a_command_loads_what_takes_time_once_it_can_say_what_goes_wrong(command: str) -> None:
    code = f"import sys, engineroom.cli.{command}; print('traitlets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    "module", ["engineroom.core.invariants", "engineroom.store.queries", "concurrent.futures.thread"]
)
def test_a_controller_is_not_made_larger_by_what_it_may_never_need(module: str) -> None:
    code = f"import sys, engineroom.controller.app; print({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("module", ["engineroom.cluster.commands.start", "engineroom.cluster.host.running"])
def test_a_host_loads_nothing_of_a_controller_but_its_config(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in sys.modules if name.startswith('engineroom.co')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    of_controller = {f"engineroom.{name}" for name in ("controller", "controller.config", "core", "core.limits")}
    assert set(done.stdout.split()) == of_controller


@pytest.mark.parametrize("module", ["controller.app", "client.client", "engine.app", "cluster.host.running"])
def test_decoders_are_made_by_who_uses_them(module: str) -> None:
    code = f"import engineroom.{module}; from engineroom.transport.decoders import *; print(from_peer, from_controller)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{} {}\n"


def test_no_module_imports_one_that_imports_it() -> None:
    """Imports inside functions count as well; those of types alone, which nothing executes, do not."""
    _check_no_circle("", types=False)


ONE_MODEL = {"core", "controller", "simulate", "store"}
"""Packages in which types refer to each other in a circle; ADR 53 says why."""

PACKAGES = sorted(path.parent.name for path in (ROOT / "src/engineroom").glob("*/__init__.py"))


@pytest.mark.parametrize("package", [each for each in PACKAGES if each not in ONE_MODEL])
def test_types_make_no_circle_either(package: str) -> None:
    """What calls back is named by a Protocol below it."""
    _check_no_circle(package, types=True)


def _check_no_circle(room: str, *, types: bool) -> None:
    modules = {_name_of(path): path for path in (ROOT / "src/engineroom" / room).rglob("*.py")}
    graph = {name: {each for each in _imported(path, types=types) if each in modules} for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def _name_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    return name.removesuffix(".__init__")


def _imported(path: Path, *, types: bool) -> Iterator[str]:
    """Yield what `path` may import when it runs, or for a type checker, as modules or as names of modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _statements(tree, types=types):
        if isinstance(node, ast.ImportFrom):
            within = {f"{node.module}.{each.name}" for each in node.names}
            modules = {name for name in within if (ROOT / "src" / f"{name.replace('.', '/')}.py").exists()}
            yield from modules or {str(node.module)}
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name != "engineroom")


def _statements(node: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    """Yield the statements within `node`; if not `types`, those that are executed. No expression has any."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            continue
        if types or not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield child
            yield from _statements(child, types=types)
