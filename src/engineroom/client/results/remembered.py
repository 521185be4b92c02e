"""What a client says and forgets of its tasks that have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.client.engines.targets import resolve
from engineroom.client.results.by_id import MetadataById, ResultsById, purge

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.pictures.timeline import Timeline


class Remembered:
    """The part of a Client that is about tasks which have ended."""

    _session: Session

    @property
    def results(self) -> ResultsById:
        """The results of the tasks that ended last, by message id: `rc.results[ar.msg_id]`.

        The last 1,000 are kept, as far as they take 16 MiB; one of more than 64 KiB is not. An AsyncResult keeps its
        own results for as long as you hold it.
        """
        return ResultsById(self._session)

    @property
    def metadata(self) -> MetadataById:
        """The metadata of tasks by message id: of those that have not ended, and of those in `rc.results`.

        Of a task that has ended and printed nothing, `submitted` and `engine_uuid` are not kept. `ar.metadata` has all.
        """
        return MetadataById(self._session)

    def timeline(self, jobs: Any = None) -> Timeline:
        """Return a picture of who ran what when: a lane for each engine, a bar for each task. See `ar.timeline()`.

        `jobs`: an AsyncResult or several, drawn together and coloured by function; None: what runs, and the last 1,000
        tasks that have ended. TypeError: `jobs` is something else.
        """
        # By name: few draw timelines.
        from engineroom.client.results.timelines import timeline_of_client

        return timeline_of_client(self._session, jobs)

    def purge_results(self, jobs: Any = (), targets: Any = ()) -> None:
        """Forget results; see `purge_local_results`. The controller keeps none that have been received."""
        self.purge_local_results(jobs, targets)

    def purge_local_results(self, jobs: Any = (), targets: Any = ()) -> None:
        """Forget results that `rc.results` keeps: those of `jobs`, and all those of the engines in `targets`.

        `jobs`: an AsyncResult, a message id, an index into the history, a list of these, or "all". `targets`: engine
        ids, or "all". An AsyncResult that you hold keeps its results. RuntimeError: a task among them has not ended.
        """
        engines = () if targets is None or targets == () or targets == [] else resolve(targets, self._session.engines)
        purge(self._session, jobs, engines)

    def purge_hub_results(self, jobs: Any = (), targets: Any = ()) -> None:
        """Do nothing: the controller keeps no results that have been received. This method exists for old scripts.

        `jobs` and `targets` have no effect.
        """

    def purge_everything(self) -> None:
        """Forget all results that `rc.results` keeps. RuntimeError: a task has not ended."""
        self.purge_local_results("all")
