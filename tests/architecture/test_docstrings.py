"""Docstrings of what users reach: they say what every argument is, its unit, and what is raised."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import engineroom
import engineroom.client
import engineroom.cluster
import engineroom.cluster.launcher
import engineroom.datapub
import engineroom.error
import engineroom.store.interface
import engineroom.util
from engineroom import Client, Cluster, ClusterManager, Dependency, PrePickled, Reference
from engineroom.client.maps.gather_results import AsyncGatherResult
from engineroom.client.results.metadata import Metadata

MODULES: tuple[ModuleType, ...] = (
    engineroom,
    engineroom.client,
    engineroom.cluster,
    engineroom.cluster.launcher,
    engineroom.datapub,
    engineroom.error,
    engineroom.store.interface,
    engineroom.util,
)
"""What users import from."""
HANDED_OUT: tuple[type, ...] = (AsyncGatherResult, Metadata)
"""Classes that users meet, and do not import."""
MADE = (Client, Cluster, ClusterManager, Dependency, PrePickled, Reference)
"""Classes of which users make instances, by arguments that are told at the class or where it is made."""
OPERATORS = {"__call__", "__getitem__", "__setitem__", "__len__", "__iter__"}
IN_SECONDS = {"timeout", "interval", "linger"}
OF_CALLS = {"self", "cls", "f", "fn", "args", "kwargs"}
"""What is passed on to a function, or is it."""


def public() -> Iterator[Any]:
    """Yield the classes and functions that these modules have for users."""
    for module in MODULES:
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        names = getattr(module, "__all__", [name for name in own if not name.startswith("_")])
        found = [getattr(module, name) for name in names]
        yield from (each for each in found if getattr(each, "__module__", "").startswith("engineroom"))


def members() -> Iterator[tuple[str, type | None, Any]]:
    """Yield functions, and the public methods and properties of classes and of our own classes below them."""
    for cls in MADE:
        yield f"{cls.__name__}.__init__", cls, cls.__init__
    for found in (*public(), *HANDED_OUT):
        if not inspect.isclass(found):
            if inspect.isroutine(found):
                yield f"{found.__module__}.{found.__name__}", None, found
            continue
        for base in found.__mro__:
            for name, member in vars(base).items() if base.__module__.startswith("engineroom.") else ():
                if (not name.startswith("_") or name in OPERATORS) and _is_told_of(member):
                    yield f"{base.__name__}.{name}", found, getattr(member, "__func__", member)


def _is_told_of(member: object) -> bool:
    return (callable(member) and not inspect.isclass(member)) or isinstance(
        member, property | staticmethod | classmethod
    )


MEMBERS = {name: (cls, member) for name, cls, member in members()}
METHODS = {name: (cls, inspect.unwrap(member)) for name, (cls, member) in MEMBERS.items() if inspect.isfunction(member)}
_REFUSED = {"LoadBalancedView.__getitem__", "LoadBalancedView.__setitem__"}
"""They exist to say that there are none."""


def test_every_public_member_says_what_one_gets() -> None:
    silent = [name for name, (_, member) in MEMBERS.items() if not member.__doc__ and not name.endswith("__init__")]
    assert set(silent) == _REFUSED


@pytest.mark.parametrize("name", sorted(METHODS.keys() - _REFUSED))
def test_a_docstring_tells_of_arguments_units_and_errors(name: str) -> None:
    cls, method = METHODS[name]
    told = method.__doc__ or ""
    flags = " ".join(base.__doc__ or "" for base in cls.__mro__) if cls is not None else ""
    elsewhere = re.search(r"\b(see|as) `", told, re.IGNORECASE)
    parameters = {each for each in inspect.signature(method).parameters if not each.startswith("_")} - OF_CALLS
    assert elsewhere or {each for each in parameters if not _named(each, told) and not _named(each, flags)} == set()
    assert elsewhere or not parameters & IN_SECONDS or "second" in told + flags or "no effect" in told
    assert {error for error in _raised(method) if error not in told + flags} == set()


def _named(parameter: str, text: str) -> bool:
    """Whether the text has the name in backquotes, or in front of a colon, as in a list of many arguments."""
    in_a_list = rf"(^|[.] )[^.:`\n]*\b{parameter}\b[^.:`\n]*: "
    return re.search(rf"`[^`]*\b{parameter}\b[^`]*`|{in_a_list}", text, re.MULTILINE) is not None


def _raised(method: Callable[..., Any]) -> Iterator[str]:
    """Yield the classes of the errors that the method itself raises."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(method)))):
        made = node.exc.func if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else None
        if isinstance(made, ast.Name) and made.id[0].isupper():
            yield made.id
