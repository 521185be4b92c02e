"""Habits that no other tool checks, each with the reason why it is one."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import engineroom.cluster.launcher

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "compat").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEXTS = sorted(
    path
    for place in ("src", "tests", "docs", "examples", "benchmarks", "changes", "compat", ".ci", ".")
    for path in ((ROOT / place).glob("*") if place == "." else (ROOT / place).rglob("*"))
    if path.suffix in {".py", ".md", ".toml", ".sh", ""} and path.is_file() and path != Path(__file__)
)
LONGEST = 500
SAYS_NOTHING = {"utils", "helpers", "common", "misc", "manager", "core"}
DOCSTRING = re.compile(r'(?:#.*\n|\s)*[rR]?"""\S')
ASSIGNED = re.compile(r"setattr\(|\.(?:_\w+|[A-Z]\w*) = ")
"""What a file has that `_patched` finds something in."""
BANNER = re.compile(r"^\s*#\s*[-=#*]{3,}", re.MULTILINE)
ELSEWHERE = re.compile(rf"\.\./shared|{re.escape(str(ROOT))}/")


def offenders(paths: list[Path], offends: Callable[[str], object]) -> list[str]:
    """Return the names of those files whose text `offends`."""
    return [str(path.relative_to(ROOT)) for path in paths if offends(path.read_text())]


def test_a_file_is_one_concern() -> None:
    assert offenders([*SOURCES, *TESTS], lambda text: len(text.splitlines()) > LONGEST) == []


def test_no_name_says_nothing() -> None:
    assert [path for path in [*SOURCES, *TESTS] if path.stem in SAYS_NOTHING] == []


def test_every_module_says_what_it_is() -> None:
    assert offenders(SOURCES, lambda text: text and not DOCSTRING.match(text)) == []


def _sleeps(text: str) -> bool:
    return "sleep" in text and any(
        isinstance(node, ast.Attribute) and node.attr == "sleep" and getattr(node.value, "id", "") == "time"
        for node in ast.walk(ast.parse(text))
    )


def _sleeps_in_a_loop(text: str) -> bool:
    """Whether `asyncio.sleep` is called with anything but 0, which lets others run."""
    return "asyncio.sleep" in text and any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "asyncio.sleep"
        and ast.unparse(node.args[0]) not in {"0", "0.0"}
        for node in ast.walk(ast.parse(text))
    )


def test_nothing_waits_for_a_time_instead_of_a_condition() -> None:
    assert offenders([*SOURCES, *TESTS], _sleeps) == []
    assert (
        offenders(
            [path for path in TESTS if path.name not in {"patience.py", "test_launched_engines.py"}], _sleeps_in_a_loop
        )
        == []
    )


def test_a_cancel_is_never_swallowed() -> None:
    """Until Python 3.12, `asyncio.wait_for` goes on if what it waits for comes as it is cancelled; `asyncio.timeout`
    does not."""
    assert offenders(SOURCES, lambda text: "asyncio.wait_for(" in text) == []


PATCHED = {
    "unit/machine/test_own_files.py": {"ROOT"},  # no option says who may do everything
    "system/test_bound_to_processes.py": {"_bind"},  # a call that was made a moment before its engine's restart
    "system/test_magics.py": {"_write_record"},  # Ctrl-C in the midst of a write
    "transport/test_reading.py": {"_lock"},  # how often a loop looks
    "transport/test_sharing.py": {"_loop"},  # how often another thread wakes it
}
"""Names that a test patches because nothing else can show what it shows."""


def _patched(path: Path) -> set[str]:
    """Return the constants, and the names that are nobody else's business, which a test puts something else for."""
    names: set[str] = set()
    text = path.read_text()
    for node in ast.walk(ast.parse(text)) if ASSIGNED.search(text) else ():
        match node:
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[_, ast.Constant(value=str(name)), *_]):
                names.add(name)
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[ast.Constant(value=str(place)), *_]):
                names.add(place.rpartition(".")[2])
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=owner), attr=name)]) if owner not in {
                "self",
                "cls",
            }:
                names.add(name)
    return {name for name in names if name.isupper() or (name.startswith("_") and not name.startswith("__"))}


def test_what_an_argument_can_say_is_not_patched() -> None:
    tests = [path for path in TESTS if "travel" not in path.parts]  # there, people's own classes do as they like
    patched = {str(path.relative_to(ROOT / "tests")): _patched(path) for path in tests}
    assert {name: found for name, found in patched.items() if found} == PATCHED


def test_no_file_is_two_files_with_a_banner_between() -> None:
    assert offenders([*SOURCES, *TESTS], BANNER.search) == []


def test_nothing_points_to_what_a_clone_does_not_have() -> None:
    assert offenders(TEXTS, ELSEWHERE.search) == []


METHODS = {"start", "poll", "signal", "stop", "tell", "ended", "split", "engines", "job_class"}


def _asks_for_a_kind(text: str) -> bool:
    """Whether something asks which of several launchers one is, by its class or by what it has."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                names = {each.id for each in ast.walk(kinds) if isinstance(each, ast.Name)}
                if any(name.endswith(("Launcher", "Launchers")) for name in names - {"BaseLauncher"}):
                    return True
            case ast.Call(func=ast.Name(id="hasattr"), args=[_, ast.Constant(value=name)]) if name in METHODS:
                return True
    return False


def test_nothing_asks_what_a_launcher_is() -> None:
    about_launchers = [path for path in SOURCES if {"cluster", "settings"}.intersection(path.parts)]
    assert offenders(about_launchers, _asks_for_a_kind) == []


def _public() -> Iterator[tuple[str, object]]:
    """Yield every public name, and every public method and property of the public classes."""
    for module in (engineroom, engineroom.cluster, engineroom.cluster.launcher):
        for name in module.__all__:
            value = getattr(module, name)
            if not (inspect.isclass(value) or inspect.isroutine(value)):
                continue
            yield f"{module.__name__}.{name}", value
            for member, inner in vars(value).items() if inspect.isclass(value) else ():
                if not member.startswith("_") and (callable(inner) or isinstance(inner, property | classmethod)):
                    yield f"{module.__name__}.{name}.{member}", getattr(value, member)


def test_every_public_name_has_a_docstring() -> None:
    assert [name for name, value in _public() if not inspect.getdoc(value)] == []


FIELDS = {
    "client/state/tasks.py": ("Request",),
    "cluster/launchers/launcher.py": ("Command",),
    "cluster/launchers/status.py": ("Status",),
    "cluster/launchers/systems/system.py": ("BatchSystem", "JobState"),
    "cluster/plan/host_plan.py": ("HostPlan",),
    "cluster/ssh/messages.py": ("ControllerPart", "EnginesPart", "Hello", "RemotePlan", "SentFile"),
    "controller/config.py": ("ControllerConfig",),
    "cluster/why/facts.py": ("Facts", "Heard"),
    "core/events.py": ("EngineUp",),
    "core/limits.py": ("Limits",),
    "engine/attempts.py": ("Attempt",),
    "engine/config.py": ("EngineConfig",),
    "protocol/connection_files.py": ("ConnectionFile",),
    "protocol/joining.py": ("EngineInfo", "Join", "Welcome"),
    "settings/launcher_kinds.py": ("Kind",),
}
"""Long lists of fields: each field has a line that says what it is, or a few have one together."""


def _undescribed(node: ast.ClassDef) -> list[str]:
    """Return the fields of a class after which, and after its neighbours, no docstring comes."""
    waiting: list[str] = []
    for part in node.body[1:]:
        match part:
            case ast.AnnAssign(target=ast.Name(id=name)):
                waiting.append(name)
            case ast.Expr(value=ast.Constant(value=str())):
                waiting.clear()
            case _:
                break
    return waiting


def test_fields_say_what_they_are() -> None:
    for path, names in FIELDS.items():
        tree = ast.parse((ROOT / "src/engineroom" / path).read_text())
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        assert {name: _undescribed(classes[name]) for name in names} == {name: [] for name in names}
