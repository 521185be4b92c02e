"""A Cluster as people see it: in a line, as a table, and while it starts."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from engineroom.client.pictures.tables import table
from engineroom.cluster.line import messages
from engineroom.cluster.owner.description import in_brief, not_running
from engineroom.cluster.owner.shown import shown_until
from engineroom.errors import LaunchError

if TYPE_CHECKING:
    from engineroom.cluster.owner.session import HostSession
    from engineroom.settings.profiles import Profile

Result = TypeVar("Result")

_ANSWER = 0.3
"""Seconds that the host may take to tell how the cluster is."""


class Pictured:
    """What a Cluster shows of itself."""

    if TYPE_CHECKING:
        n: int | None
        cluster_id: str
        controller_ip: str
        controller_location: str
        controller_args: Any
        delay: Any
        progress: bool | None
        _profile: Profile
        _session: HostSession | None

        @property
        def profile(self) -> str: ...
        @property
        def profile_dir(self) -> str: ...
        @property
        def running(self) -> bool: ...

    def __repr__(self) -> str:
        return in_brief(self, self._known())

    def _repr_html_(self) -> str:
        values = self._known()
        heads = ("engine set", "engine", "pid", "state", "log")
        if values is None:
            return table(in_brief(self, None), heads, (), note="not running")
        rows = [row for name, each in values["engines"].get("sets", {}).items() for row in _engines(name, each)]
        return table(in_brief(self, values), heads, rows, note=_controller(values))

    def _known(self) -> dict[str, Any] | None:
        """Return what `to_dict` does if the host answers soon, else what is known here; None: nothing runs."""
        if not self.running or self._session is None:
            return None
        with contextlib.suppress(TimeoutError, LaunchError):
            values: dict[str, Any] = self._session.ask(messages.Status()).result(timeout=_ANSWER)
            return values
        return not_running(self)

    async def _shown(self, session: HostSession | None, work: Awaitable[Result]) -> Result:
        """Return what `work` returns, which starts engines; show how it goes, if that is wanted."""
        if session is None:
            return await work
        steps = self._profile.steps_file(self.cluster_id)
        return await shown_until(work, lambda: session.progress, steps, progress=self.progress)


def _controller(values: Mapping[str, Any]) -> str:
    if not values["controller"]:
        return "the cluster has not answered"
    state = values["controller"].get("state") or {}
    return f"controller: pid {state['pid']}, port {state.get('port')}" if state.get("pid") else "controller: elsewhere"


def _engines(name: str, of: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """Return a row for each engine of a set, or one for all of them if each is a process of somebody else's."""
    known: Mapping[str, Mapping[str, Any]] = of.get("engines") or {}
    if not known:
        return [(name, f"{of.get('n', '')} engines", "", "", of.get("output_file", ""))]
    return [
        (name, number, each.get("pid", ""), "ready" if each.get("ready") else "starting", each.get("output_file", ""))
        for number, each in known.items()
    ]
