"""What `canning` lets users say of how values travel, as picklers need it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from engineroom.serialize.functions.interactive import home

Rule = Callable[[Any], Any]
Opener = Callable[[Any, dict[str, Any] | None], Any]

rules: dict[Any, Rule] = {}
"""How values travel, by type."""

openers: dict[type, Opener] = {}
"""How what has travelled so is turned back, by its type."""

otherwise: list[Any] = []
"""The kind of pickler, at most one, that tries what cannot be sent: see `old_names.use_dill`."""


def rule_for(kind: type) -> Rule | None:
    """Return the rule for values of this type, None if there is none."""
    return rules.get(kind) or next((rule for key, rule in rules.items() if _means(key, kind)), None)


def opener_of(canned: object) -> Opener | None:
    """Return what turns `canned` back, None if there is no rule for it."""
    return next((opener for kind, opener in openers.items() if isinstance(canned, kind)), None)


def opened(canned: Any, opener: Opener | None) -> Any:
    """Return the value that has travelled as `canned`; where nothing turns it back, `canned`."""
    opener = opener or opener_of(canned)
    return canned if opener is None else opener(canned, home.namespace)


def _means(key: Any, kind: type) -> bool:
    if isinstance(key, tuple):
        return any(_means(each, kind) for each in key)
    if isinstance(key, str):
        module, _, name = key.rpartition(".")
        return getattr(sys.modules.get(module), name, None) is kind
    return key is kind
