"""Errors that travel over a line: what one process raises, another that asked it raises too."""

from __future__ import annotations

from collections.abc import Iterable

from engineroom.cluster.line.messages import Failed
from engineroom.errors import LaunchError


class NoSuchSet(LaunchError, KeyError):
    """There is no set of engines of that name."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError shows its repr

    @classmethod
    def named(cls, name: str, known: Iterable[str]) -> NoSuchSet:
        """Return the error about `name`; `known`: those that there are."""
        return cls(f"there is no engine set {name!r}; the sets are: {', '.join(known) or 'none'}")


class CouldNotStart(LaunchError):
    """What the host said why."""

    def __init__(self, failed: Failed) -> None:
        self.code = failed.code
        super().__init__(failed.reason + failed.advice)
