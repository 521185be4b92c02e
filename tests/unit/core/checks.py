"""The checks of the core, found in its source; and a hand that makes each of them fail.

A check is what can keep an event from being applied:

- in a handler, an `if` that does nothing but `return` or `raise`, and an `if` on which all depends that it does;
- anywhere in the core, an `if` that raises NotAllowedError.

A handler is a function to which the reactor passes an event, and one that is passed `state, peer` by another. An
`ImpossibleStepError` or an `assert` is no check: only a mistake of ours makes it fail, and then the controller's
`faults` take over.
"""

from __future__ import annotations

import ast
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, Self

from engineroom import core

CORE = Path(core.__file__).parent
REACTOR = CORE / "reactor.py"
REFUSAL = ("NotAllowedError", "not_allowed")


class Check(NamedTuple):
    """Where a check is."""

    file: str
    line: int
    handler: str


class InjectedError(Exception):
    """What a check that fails for no reason raises."""


@cache
def checks() -> frozenset[Check]:
    """Return all checks of the core."""
    trees = {path: ast.parse(path.read_text()) for path in CORE.rglob("*.py") if path.name != "invariants.py"}
    called = set(_called(trees[REACTOR]))
    return frozenset(check for path, tree in trees.items() for check in _in_file(path, tree, called))


def _in_file(path: Path, tree: ast.Module, called: set[tuple[str, str]]) -> Iterator[Check]:
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            is_handler = _takes_an_event(function) or (_module(path), function.name) in called
            whole = _on_which_all_depends(function) if is_handler else None
            for node in ast.walk(function):
                if isinstance(node, ast.If) and (node is whole or _is_check(node, is_handler=is_handler)):
                    yield Check(str(path), node.test.lineno, function.name)


def _called(reactor: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the module and the name of each function to which the reactor passes an event, or whose it is."""
    modules = {
        name.name: node.module or ""
        for node in ast.walk(reactor)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    for node in ast.walk(reactor):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
            first, second = (ast.unparse(argument) for argument in node.args[:2])
            if first == "state" and second.split(".")[0] in {"peer", "event"}:
                yield modules.get(node.func.id, _module(REACTOR)), node.func.id


def _module(path: Path) -> str:
    return ".".join(("engineroom", "core", *path.relative_to(CORE).with_suffix("").parts))


def _takes_an_event(function: ast.FunctionDef) -> bool:
    names = [argument.arg for argument in function.args.args[:2]]
    return names == ["state", "peer"] and not function.name.startswith("_")


def _on_which_all_depends(function: ast.FunctionDef) -> ast.stmt | None:
    """Return the `if` that is all that a function does once it has looked things up."""
    *looks, last = function.body[1:] or function.body  # without the docstring
    plain = all(isinstance(look, ast.Assign) and isinstance(look.targets[0], ast.Name | ast.Tuple) for look in looks)
    return last if plain and isinstance(last, ast.If) and not last.orelse else None


def _is_check(node: ast.If, *, is_handler: bool) -> bool:
    if len(node.body) != 1:
        return False
    [does] = node.body
    if isinstance(does, ast.Raise):
        return any(isinstance(part, ast.Name) and part.id in REFUSAL for part in ast.walk(does))
    return is_handler and isinstance(does, ast.Return) and does.value is None


def raised_in_the_core() -> set[str]:
    """Return the names of all that the core raises, apart from its invariants."""
    found = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and node.exc is not None and path.name != "invariants.py":
                target = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                found.add(ast.unparse(target))
    return found


class _Traced(ABC):
    """While it is entered, this thread is traced."""

    _before: Any = None

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    @abstractmethod
    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        """A function is called: return what traces its lines, None for nothing."""


@cache
def _places(every: frozenset[Check]) -> tuple[dict[tuple[str, int], Check], set[str]]:
    """Return where each check is, and the files in which there are some."""
    return {(check.file, check.line): check for check in every}, {check.file for check in every}


class Tracer(_Traced):
    """While it is entered: notes the checks that are reached, and makes the one that is number `fails` fail, from 1."""

    def __init__(self, every: frozenset[Check], fails: int = 0) -> None:
        self._by_place, self._files = _places(every)
        self._fails = fails
        self.reached: list[Check] = []

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            check = self._by_place.get((frame.f_code.co_filename, frame.f_lineno))
            if check is not None and check.handler == frame.f_code.co_name:
                self.reached.append(check)
                if len(self.reached) == self._fails:
                    raise InjectedError(f"{check.handler}, line {check.line}")
        return self._line


class Lines(_Traced):
    """While it is entered: raises `error` at the core's line that is number `fails`, from 1."""

    def __init__(self, fails: int, error: Exception) -> None:
        self._left, self._error = fails, error
        self.failed = False

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._line if frame.f_code.co_filename.startswith(str(CORE)) else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        self._left -= event == "line"
        if not self._left and not self.failed:
            self.failed = True
            raise self._error
        return self._line
