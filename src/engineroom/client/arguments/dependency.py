"""Dependency: other tasks, and how they must have ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from engineroom.client.arguments.switches import checks_switches

Ids = Any
"""A message id, an AsyncResult, a Dependency, or a list, tuple or set of these."""


@checks_switches(init=True)
class Dependency(set[str]):
    """The ids of tasks that other tasks wait for, for the flags `after` and `follow` of load-balanced views.

    `dependencies`: message ids, AsyncResults, or several of these. `all`: all of them must have ended, else one.
    `success`: with a result; `failure`: with an error; both: either way. ValueError: neither.
    """

    def __init__(
        self,
        dependencies: Ids = (),
        all: bool = True,  # noqa: A002, FBT001, FBT002 (as in ipyparallel)
        success: bool = True,  # noqa: FBT001, FBT002
        failure: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        if not success and not failure:
            raise ValueError("a Dependency must accept success or failure, or both")
        self.all, self.success, self.failure = bool(all), bool(success), bool(failure)
        super().__init__(ids_in("Dependency", dependencies))

    def check(self, completed: Collection[str], failed: Collection[str] | None = None) -> bool:
        """Whether it is met when the tasks `completed` have ended with results, and `failed` with errors."""
        if not self:
            return True
        counted = (set(completed) if self.success else set()) | (set(failed or ()) if self.failure else set())
        return self <= counted if self.all else not self.isdisjoint(counted)

    def unreachable(self, completed: Collection[str], failed: Collection[str] | None = None) -> bool:
        """Whether it can never be met, when the tasks `completed` have ended well, and `failed` have not."""
        if not self:
            return False
        others = (set() if self.success else set(completed)) | (set() if self.failure else set(failed or ()))
        return not self.isdisjoint(others) if self.all else self <= others

    def as_dict(self) -> dict[str, Any]:
        """Return it as a dict of simple values, for `Dependency(**as_dict)`."""
        return {"all": self.all, "success": self.success, "failure": self.failure, "dependencies": list(self)}

    def __repr__(self) -> str:
        return f"Dependency({sorted(self)}, all={self.all}, success={self.success}, failure={self.failure})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self), self.all, self.success, self.failure)


def ids_in(what: str, value: Ids) -> list[str]:
    """Return the message ids that `value` names. TypeError: it is something else."""
    ids = getattr(value, "msg_ids", None)
    if isinstance(ids, list):
        return list(ids)
    if isinstance(value, str):
        return [value]
    if isinstance(value, Iterable) and not isinstance(value, bytes | dict):
        return [id_ for item in value for id_ in ids_in(what, item)]
    raise TypeError(f"{what} needs AsyncResults or message ids, got {value!r}")
