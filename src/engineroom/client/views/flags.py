"""The flags of views: which there are, of what types, and what happens to names that are none."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

from engineroom.client.targets import Targets

NOT_YET = frozenset({"after", "follow", "timeout"})
"""Flags that users know and that have no effect yet."""

_Method = TypeVar("_Method", bound=Callable[..., Any])


def missing(view: object, name: str) -> AttributeError:
    """Return the error for an attribute that `view` does not have, with what to write instead."""
    from engineroom.client import hints  # long, and few need it

    return hints.missing(view, name)


class CallFlags(TypedDict, total=False):
    """What all views have besides their engines."""

    block: bool | None
    label: str | None
    track: bool


class BalancedCallFlags(CallFlags, total=False):
    """What load-balanced views have besides their engines."""

    retries: int
    rerun_lost: bool


class Flags(CallFlags, total=False):
    """What all views have."""

    targets: Targets


class BalancedFlags(BalancedCallFlags, Flags, total=False):
    """What load-balanced views have."""


class NoSuchFlag(KeyError, TypeError):
    """A view has no flag of this name."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError shows its argument as it is written in Python


def same_but_takes(flags: type, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that does what `method` does, and shows these flags."""

    @functools.wraps(method)
    def same(self: Any, **values: Any) -> Any:
        return method(self, **values)

    return takes(flags)(same)


def takes(flags: type) -> Callable[[_Method], _Method]:
    """Return a decorator: `**flags` of the method is shown, in help and completions, as the names that there are."""

    def decorate(method: _Method) -> _Method:
        found = inspect.signature(method)
        own = [each for each in found.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=..., annotation=kind)
            for name, kind in inspect.get_annotations(flags).items()
            if name not in found.parameters
        ]
        method.__signature__ = found.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        return method

    return decorate
