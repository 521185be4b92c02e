"""Types of views and results for type checkers: one engine or several, and what calls return."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # checkers have it; programs need not

    T = TypeVar("T", default=Any)
    Kind = TypeVar("Kind", bound="One | Many", default=Any)
else:
    from typing import TypeVar

    T, Kind = TypeVar("T"), TypeVar("Kind")

Item = TypeVar("Item")


class One:
    """In `DirectView[One]`: a view of a single engine; its calls return one result."""


class Many:
    """In `DirectView[Many]`: a view of several engines; its calls return a list with one result per engine."""


AsyncFunction: TypeAlias = Callable[..., Coroutine[Any, Any, T]]
"""What `async def` makes: its call's result, on an engine, is what it returns in the end."""

Function: TypeAlias = Callable[..., T]
"""Any function. Its arguments are not checked: they may be a Reference, a PrePickled, or made there."""
