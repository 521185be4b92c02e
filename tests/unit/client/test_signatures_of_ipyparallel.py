"""A call that is valid in ipyparallel 9.2 is valid here: parameters have the same names, places and defaults."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from engineroom.client.views.executor import CallableExecutor

TABLE = Path(__file__).with_name("signatures_of_ipyparallel.txt")

ELSEWHERE: dict[str, Any] = {"Client.executor": CallableExecutor.__call__}
"""Properties that may be called."""

DECIDED = {
    ("LoadBalancedView.register_joblib_backend", "name"): "the name of this package",
    ("register_joblib_backend", "name"): "the name of this package",
    ("AsyncResult.wait_interactive", "return_when"): "None has it return a bool, as in wait",
    ("ParallelFunction.__call__", "**"): "ipyparallel refuses each of these names, too",
    ("Cluster.start_controller", "**"): "options of launchers are options of the cluster",
    ("Cluster.start_engines", "**"): "options of launchers are options of the cluster",
    ("wrap_exception", "engine_info"): "None stands for {}",
}
"""Differences that are meant, and why."""


class Parameter:
    """One parameter of a line of the table. `default`: its source; None: it has none."""

    def __init__(self, argument: ast.arg, default: ast.expr | None) -> None:
        self.name = argument.arg
        self.default = None if default is None else ast.unparse(default)


class Signature:
    """The parameters of a line of the table."""

    def __init__(self, line: str) -> None:
        self.module, _, call = line.partition(": ")
        self.name, _, parameters = call.partition("(")
        function = ast.parse(f"def f({parameters}: ...").body[0]
        assert isinstance(function, ast.FunctionDef)
        given = function.args
        defaults = [None] * (len(given.args) - len(given.defaults)) + list(given.defaults)
        self.positional = [Parameter(*pair) for pair in zip(given.args, defaults, strict=True)]
        self.by_name = [Parameter(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
        self.takes_more = given.vararg is not None
        self.takes_names = given.kwarg is not None


def lines() -> list[str]:
    return [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def ours(theirs: Signature) -> inspect.Signature:
    owner: Any = import_module(f"engineroom.{theirs.module}" if theirs.module else "engineroom")
    found = ELSEWHERE.get(theirs.name)
    if found is None:
        found = owner
        for name in theirs.name.split("."):
            found = getattr(found, name)
    signature = inspect.signature(found)
    if "." not in theirs.name or inspect.ismethod(found) or _is_static(owner, theirs.name):
        return signature
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def _is_static(module: Any, name: str) -> bool:
    kind, _, method = name.partition(".")
    return isinstance(inspect.getattr_static(getattr(module, kind), method, None), staticmethod)


def differences(theirs: Signature) -> list[str]:
    signature = ours(theirs)
    return [*_of_positional(theirs, signature), *_of_named(theirs, signature), *_needed(theirs, signature)]


def _of_positional(theirs: Signature, signature: inspect.Signature) -> Iterator[str]:
    mine = _positional(signature)
    for place, wanted in enumerate(theirs.positional):
        if place < len(mine):
            yield from _compared(theirs, wanted, mine[place])
        elif not _has(signature, inspect.Parameter.VAR_POSITIONAL):
            yield f"{wanted.name}: cannot be given by its place"
    if theirs.takes_more and not _has(signature, inspect.Parameter.VAR_POSITIONAL):
        yield "*: takes no more arguments"


def _of_named(theirs: Signature, signature: inspect.Signature) -> Iterator[str]:
    takes_names = _has(signature, inspect.Parameter.VAR_KEYWORD)
    for wanted in theirs.by_name:
        found = signature.parameters.get(wanted.name)
        if found is not None:
            yield from _compared(theirs, wanted, found)
        elif not takes_names:
            yield f"{wanted.name}: not taken"
    if theirs.takes_names and not takes_names and not _has(signature, inspect.Parameter.KEYWORD_ONLY):
        yield "**: takes no further names"


def _needed(theirs: Signature, signature: inspect.Signature) -> Iterator[str]:
    """Yield what has to be given here, and need not there."""
    by_name = [each for each in signature.parameters.values() if each.kind is each.KEYWORD_ONLY]
    known = {each.name for each in (*theirs.positional, *theirs.by_name)}
    for each in _positional(signature)[len(theirs.positional) :] + by_name:
        if each.default is each.empty and each.name not in known:
            yield f"{each.name}: has to be given"


def _positional(signature: inspect.Signature) -> list[inspect.Parameter]:
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return [each for each in signature.parameters.values() if each.kind in kinds]


def _has(signature: inspect.Signature, kind: object) -> bool:
    return any(each.kind is kind for each in signature.parameters.values())


def _compared(theirs: Signature, wanted: Parameter, found: inspect.Parameter) -> Iterator[str]:
    by_place_only = found.kind is found.POSITIONAL_ONLY
    if found.name != wanted.name and not (by_place_only and (theirs.takes_more or wanted.name.startswith("_"))):
        yield f"{wanted.name}: called {found.name}"
    elif by_place_only and not (theirs.takes_more or theirs.takes_names or wanted.name.startswith("_")):
        yield f"{wanted.name}: cannot be given by name"
    if wanted.default is None or wanted.default == "..." or repr(found.default) == "...":
        return
    if found.default is found.empty or _value(wanted.default) != _value(repr(found.default)):
        yield f"{wanted.name}: {found.default!r} unless given, not {wanted.default}"


def _value(source: str) -> Any:
    value = ast.literal_eval(source)
    return tuple(value) if isinstance(value, list) else value


def test_every_line_of_the_table_is_read() -> None:
    assert len(lines()) > 150


@pytest.mark.parametrize("line", lines())
def test_a_function_is_called_as_in_ipyparallel(line: str) -> None:
    theirs = Signature(line)
    found = [each for each in differences(theirs) if (theirs.name, each.partition(":")[0]) not in DECIDED]
    assert found == []


def test_every_difference_that_is_meant_is_one() -> None:
    found = {
        (theirs.name, each.partition(":")[0]) for theirs in map(Signature, lines()) for each in differences(theirs)
    }
    assert {key for key in DECIDED if key not in found} == set()
