"""What a host does about a controller that is restarted: it tells, and has files cleared away should it be killed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from engineroom.cluster.line.messages import Notice, Report
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.trail import steps
from engineroom.trail.steps import Steps

if TYPE_CHECKING:
    from engineroom.cluster.clearing.sweeper import Sweeper

log = logging.getLogger(__name__)


class ControllerWatch:
    """Told by the controller's seat. `on_change`: what the cluster file says of the controller is no longer so;
    `on_back`: it can be connected to again."""

    def __init__(
        self,
        plan: HostPlan,
        noted: Steps,
        *,
        report: Callable[[Report], None],
        on_change: Callable[[], None],
        on_back: Callable[[], None],
    ) -> None:
        self._plan, self._steps, self._report = plan, noted, report
        self._on_change, self._on_back = on_change, on_back
        self._sweeper: Sweeper | None = None

    def controller_fallen(self, words: str, pause: float) -> None:
        """The controller has died, and is started again after `pause`."""
        log.warning("restarting the controller: %s", words, extra={"pause_s": pause})
        self._steps.note(steps.ENDED, ok=False, words=words, who=steps.CONTROLLER)
        self._report(Notice(f"{words}. It is restarted{f' in {pause:g} s' if pause else ''}"))
        self._on_change()
        if pause:
            self._have_swept()

    def controller_back(self, port: int) -> None:
        """Another controller listens in its place."""
        log.warning("the controller is running again", extra={"port": port})
        self._steps.note(steps.LISTENS, words=f"port {port}, restarted", who=steps.CONTROLLER)
        self._report(Notice("the controller is running again: engines and clients reconnect"))
        self._on_back()
        self._on_change()
        self.close()

    def close(self) -> None:
        """We clear up by ourselves, or the controller does should we be killed."""
        if self._sweeper is not None:
            self._sweeper.dismiss()
            self._sweeper = None

    def _have_swept(self) -> None:
        """Until there is a controller again, have a process clear up after us should we be killed."""
        config = self._plan.controller
        if self._sweeper is not None or config is None:
            return
        from engineroom.cluster.clearing.sweeper import Sweeper  # few controllers die again at once

        self._sweeper = Sweeper(self._plan.profile_dir, self._plan.cluster_id)
        self._sweeper.also(config.passing_files)
