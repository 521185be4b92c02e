"""Classes made without their bases' `__init_subclass__`, which ran when they were made in their script."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import cloudpickle.cloudpickle as theirs

_NAME = "__init_subclass__"
_one_at_a_time = threading.RLock()


@contextmanager
def no_hooks(bases: Sequence[type], *, imported: bool = False) -> Iterator[None]:
    """While this lasts, sub-classing `bases` calls no hook that came by value (`imported`: none at all)."""
    hooked = _hooked(bases, imported=imported)
    if not hooked:
        yield
        return
    with _one_at_a_time:
        try:
            for base in hooked:
                type.__setattr__(base, _NAME, _no_hook)
            yield
        finally:
            for base, hook in hooked.items():
                type.__setattr__(base, _NAME, hook)


def _hooked(bases: Sequence[type], *, imported: bool) -> dict[type, Any]:
    found = {}
    for base in bases:
        for each in base.__mro__:
            hook = vars(each).get(_NAME)
            if _is_python(hook) and (imported or not theirs._should_pickle_by_reference(each)):
                found[each] = hook
    return found


def _is_python(hook: object) -> bool:
    return isinstance(hook, classmethod) and isinstance(hook.__func__, FunctionType)


@classmethod  # type: ignore[misc]  # it is put into classes
def _no_hook(cls: type, **options: Any) -> None:
    del cls, options
