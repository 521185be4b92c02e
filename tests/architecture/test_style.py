"""Habits that no other tool checks, each with the reason why it is one."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import engineroom

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEXTS = sorted(
    path
    for place in ("src", "tests", "docs", "examples", "benchmarks", "changes", ".ci", ".")
    for path in ((ROOT / place).glob("*") if place == "." else (ROOT / place).rglob("*"))
    if path.suffix in {".py", ".md", ".toml", ".sh", ""} and path.is_file() and path != Path(__file__)
)
LONGEST = 500
SAYS_NOTHING = {"utils", "helpers", "common", "misc", "manager", "core"}
BANNER = re.compile(r"^\s*#\s*[-=#*]{3,}", re.MULTILINE)
ELSEWHERE = re.compile(r"\.\./shared|/work/(main|shared)|pypi\.org")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_a_file_is_one_concern(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST, "split it by concern"
    assert path.stem not in SAYS_NOTHING, "a name that says nothing collects everything"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_module_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert not text or ast.get_docstring(ast.parse(text)), "a module's first line says what you find in it"


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_no_sleep_and_no_banner(path: Path) -> None:
    text = path.read_text()
    sleeps = [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and node.attr == "sleep" and getattr(node.value, "id", "") == "time"
    ]
    assert not sleeps, "wait for a condition, with a deadline"
    assert not BANNER.search(text), "a file that needs section banners is two files"


@pytest.mark.parametrize("path", TEXTS, ids=relative)
def test_nothing_points_to_what_a_clone_does_not_have(path: Path) -> None:
    assert not ELSEWHERE.search(path.read_text())


def _public() -> Iterator[tuple[str, object]]:
    """Yield every public name, and every public method and property of the public classes."""
    for name in getattr(engineroom, "__all__", ()):
        value = getattr(engineroom, name)
        if not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        yield name, value
        for member, inner in vars(value).items() if inspect.isclass(value) else ():
            if not member.startswith("_") and (inspect.isroutine(inner) or isinstance(inner, property)):
                yield f"{name}.{member}", getattr(value, member)


def test_every_public_name_has_a_docstring() -> None:
    assert [name for name, value in _public() if not inspect.getdoc(value)] == []
