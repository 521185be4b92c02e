"""Docstrings of what users reach in the client: they say what every argument is, its unit, and what is raised."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engineroom import (
    AsyncMapResult,
    AsyncResult,
    BroadcastView,
    Client,
    DirectView,
    LazyMapIterator,
    LoadBalancedView,
    ParallelFunction,
    RemoteFunction,
    ViewExecutor,
)
from engineroom.client.maps.gather_results import AsyncGatherResult
from engineroom.client.results.metadata import Metadata

REACHED: tuple[type, ...] = (
    Client,
    DirectView,
    BroadcastView,
    LoadBalancedView,
    AsyncResult,
    AsyncMapResult,
    AsyncGatherResult,
    LazyMapIterator,
    ViewExecutor,
    RemoteFunction,
    ParallelFunction,
    Metadata,
)
OPERATORS = {"__call__", "__getitem__", "__setitem__", "__len__", "__iter__"}
IN_SECONDS = {"timeout", "interval", "linger"}
OF_CALLS = {"self", "f", "fn", "args", "kwargs"}
"""What is passed on to a function, or is it."""


def members() -> Iterator[tuple[str, type, Any]]:
    """Yield the public methods and properties of these classes and of our own classes below them."""
    yield "Client.__init__", Client, Client.__init__
    known = set()
    for cls in REACHED:
        for base in cls.__mro__:
            for name, member in vars(base).items() if base.__module__.startswith("engineroom.") else ():
                wanted = not name.startswith("_") or name in OPERATORS
                if (
                    wanted
                    and (base, name) not in known
                    and (callable(member) or isinstance(member, property | staticmethod))
                ):
                    known.add((base, name))
                    yield f"{base.__name__}.{name}", cls, member


MEMBERS = {name: (cls, member) for name, cls, member in members()}
METHODS = {name: (cls, inspect.unwrap(member)) for name, (cls, member) in MEMBERS.items() if inspect.isfunction(member)}
_REFUSED = {"LoadBalancedView.__getitem__", "LoadBalancedView.__setitem__"}
"""They exist to say that there are none."""


def test_every_public_member_says_what_one_gets() -> None:
    assert [name for name, (_, member) in MEMBERS.items() if not member.__doc__ and name not in _REFUSED] == []


@pytest.mark.parametrize("name", sorted(METHODS.keys() - _REFUSED))
def test_a_docstring_tells_of_arguments_units_and_errors(name: str) -> None:
    cls, method = METHODS[name]
    told = method.__doc__ or ""
    flags = " ".join(base.__doc__ or "" for base in cls.__mro__)
    elsewhere = re.search(r"\bsee `", told, re.IGNORECASE)
    parameters = set(inspect.signature(method).parameters) - OF_CALLS
    assert elsewhere or {each for each in parameters if not _named(each, told) and not _named(each, flags)} == set()
    assert elsewhere or not parameters & IN_SECONDS or "second" in told or "no effect" in told
    assert {error for error in _raised(method) if error not in told} == set()


def _named(parameter: str, text: str) -> bool:
    return re.search(rf"`[^`]*\b{parameter}\b[^`]*`", text) is not None


def _raised(method: Callable[..., Any]) -> Iterator[str]:
    """Yield the classes of the errors that the method itself raises."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(method)))):
        made = node.exc.func if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else None
        if isinstance(made, ast.Name) and made.id[0].isupper():
            yield made.id
