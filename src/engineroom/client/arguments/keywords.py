"""Keyword arguments of methods: named in help and completions, and explained when they are wrong."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Self = TypeVar("_Self")
_Method = TypeVar("_Method", bound=Callable[..., Any])


class _NotGiven:
    """The default of an option that is as it was, or as the documentation says, unless it is given."""

    def __repr__(self) -> str:
        return "..."


_NOT_GIVEN = _NotGiven()


def takes(options: type) -> Callable[[_Method], _Method]:
    """Return a decorator: `**options` of the method is shown as the names that the TypedDict `options` has."""

    def decorate(method: _Method) -> _Method:
        found = inspect.signature(method)
        own = [each for each in found.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        more = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=_NOT_GIVEN,
                annotation=getattr(kind, "__forward_arg__", kind),
            )
            for name, kind in inspect.get_annotations(options).items()
            if name not in found.parameters
        ]
        method.__signature__ = found.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        return method

    return decorate


def same_but_takes(options: type, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that does what `method` does, and shows these options."""

    @functools.wraps(method)
    def same(self: Any, *args: Any, **values: Any) -> Any:
        return method(self, *args, **values)

    return takes(options)(same)


def explains_keywords(
    method: Callable[Concatenate[_Self, _P], _R],
) -> Callable[Concatenate[_Self, _P], _R]:
    """Return `method`; a keyword argument that it does not have is a TypeError that says what to write."""
    taken = inspect.signature(method).parameters.values()
    known = frozenset(each.name for each in taken if each.kind in {each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD})

    @functools.wraps(method)
    def call(self: _Self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not known.issuperset(kwargs):
            from engineroom.client.arguments.hints import unexpected  # long, and few need it

            wrong = sorted(kwargs.keys() - known)
            raise unexpected(f"{type(self).__name__}.{method.__name__}", wrong[0], sorted(known - {"self"}))
        return method(self, *args, **kwargs)

    return cast("Callable[Concatenate[_Self, _P], _R]", call)
