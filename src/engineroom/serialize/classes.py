"""Classes by value: made anew where they are not known, and left alone where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import cloudpickle.cloudpickle as theirs

_received: WeakSet[type] = WeakSet()
"""Classes that came by value; those defined here are never changed by what comes back."""


def own_way(reduced: Any) -> Any:
    """Return what cloudpickle reduced something to, changed if that is a class."""
    if type(reduced) is tuple and reduced[-1] is theirs._class_setstate:
        make, args, state = reduced[:3]
        return _make_class, (make, *args), state, None, None, _set_class_state
    return reduced


def _make_class(make: Callable[..., type], *args: Any) -> type:
    """Return the class with this tracker id, if it is known here, else a new one to be filled."""
    known = theirs._DYNAMIC_CLASS_TRACKER_BY_ID.get(args[-2])
    if isinstance(known, type):
        return known
    made = make(*args)
    _received.add(made)
    return made


def _set_class_state(made: type, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    if made in _received:
        theirs._class_setstate(made, state)
