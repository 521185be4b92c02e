"""`%autopx`: cells go to the engines until it is said again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STAYS = re.compile(r"\s*%{1,2}(autopx|px|result|load_ext|reload_ext)")
"""Cells that run here all the same: those that begin with a magic of ours."""


class ToEngines:
    """An input transformer that puts `%%px` above each cell. History and numbers stay IPython's."""

    has_side_effects = True
    """IPython leaves it out when it only looks whether a cell is complete."""

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix

    def __call__(self, lines: list[str]) -> list[str]:
        if not "".join(lines).strip() or _STAYS.match(lines[0]):
            return lines
        return [f"%%px{self.suffix}\n", *lines]


def toggle(shell: Any, suffix: str) -> None:
    """Have cells sent to the engines of `%px` with this suffix; or no longer, if they are."""
    transformers: list[Any] = shell.input_transformers_cleanup
    before = [each for each in transformers if isinstance(each, ToEngines)]
    for each in before:
        transformers.remove(each)
    if any(each.suffix == suffix for each in before):
        print(f"%autopx{suffix} disabled: cells run here")
        return
    transformers.append(ToEngines(suffix))
    print(f"%autopx{suffix} enabled: cells run on the engines until you run %autopx{suffix} again")


@contextmanager
def paused(shell: Any) -> Iterator[None]:
    """A context in which cells run here, whatever %autopx says."""
    transformers: list[Any] = shell.input_transformers_cleanup
    before = list(transformers)
    transformers[:] = [each for each in before if not isinstance(each, ToEngines)]
    try:
        yield
    finally:
        transformers[:] = before


def is_on(shell: Any, suffix: str) -> bool:
    """Whether cells are sent to the engines of `%px` with this suffix."""
    return any(isinstance(each, ToEngines) and each.suffix == suffix for each in shell.input_transformers_cleanup)
