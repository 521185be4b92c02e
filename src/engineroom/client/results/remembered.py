"""What a client says and forgets of its tasks that have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.client.arguments.switches import checks_switches
from engineroom.client.engines.targets import resolve
from engineroom.client.results import history
from engineroom.client.results.by_id import MetadataById, ResultsById, purge
from engineroom.client.results.found import Jobs, find_result, ids_of, status_of
from engineroom.errors.local import called_by_users

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.pictures.timeline import Timeline
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.results.audit import Audit


@called_by_users("result_status", "resubmit", "db_query", "hub_history", "audit")
@called_by_users("purge_results", "purge_local_results", "purge_hub_results", "purge_everything")
@checks_switches()
class Remembered:
    """The part of a Client that is about tasks which have ended."""

    _session: Session
    block: bool

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

        Of tasks that have ended, `submitted`, `engine_uuid` and `label` come from the controller's records, see
        `db_query`; without a record they are None. `ar.metadata` has all.
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

    def result_status(self, msg_ids: Jobs, status_only: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 (as users write it)
        """Return `{"pending": [msg_id, ...], "completed": [msg_id, ...]}` for tasks of any client.

        `msg_ids`: a message id, an AsyncResult, an index into the history, or a list of these. `status_only=False`: the
        dict also has, by message id, the result of each completed task, or the exception that it raised. KeyError: no
        such task is known.
        """
        found: dict[str, Any] = {**status_of(self._session, msg_ids)}
        if not status_only:
            for name in found["completed"]:
                result = find_result(self._session, name)
                found[name] = result.get(return_exceptions=True)
        return found

    def purge_results(self, jobs: Any = (), targets: Any = ()) -> None:
        """Forget results, here and in the controller; see `purge_local_results` and `purge_hub_results`."""
        self.purge_local_results(jobs, targets)
        self.purge_hub_results(jobs, targets)

    def purge_local_results(self, jobs: Any = (), targets: Any = ()) -> None:
        """Forget results that `rc.results` keeps: those of `jobs`, and all those of the engines in `targets`.

        `jobs`: an AsyncResult, a message id, an index into the history, a list of these, or "all". `targets`: engine
        ids, or "all". An AsyncResult that you hold keeps its results. RuntimeError: a task among them has not ended.
        """
        purge(self._session, jobs, self._engines_named(targets))

    def purge_hub_results(self, jobs: Any = (), targets: Any = ()) -> int:
        """Delete the records of tasks in the controller's database, of all clients; return how many.

        `jobs`: an AsyncResult, a message id, a list of these, or "all". `targets`: engine ids, or "all": the tasks that
        these engines ran. The records of tasks that have not ended stay.
        """
        engines = self._engines_named(targets)
        everything = isinstance(jobs, str) and jobs == "all"
        names = [] if everything else ids_of(self._session, jobs)
        if not (everything or names or engines):
            return 0
        return history.purge_recorded(self._session, names, engines, everything=everything)

    def purge_everything(self) -> None:
        """Forget all results, here and in the controller. RuntimeError: a task of this client has not ended."""
        self.purge_local_results("all")
        self.purge_hub_results("all")

    def db_query(
        self,
        query: Any = None,
        keys: Any = None,
        *,
        sort: Any = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> list[dict[str, Any]]:
        """Return the records of tasks that match `query`: of all clients, in the order of their submission.

        `query`: a dict as MongoDB has them, such as `{"completed": {"$gt": date}, "engine_id": 3}`; {} or None: all
        tasks. `keys`: what each record is to have, besides its `msg_id`; None: everything but `buffers` and
        `result_buffers`. `sort`: a key, or "-" and a key for descending order, or a list of these. `limit`: return so
        many at most, after `skip` others. BadQuery (a ValueError): the message names the operator and the place.
        """
        return history.find_records(self._session, query, keys, sort, limit, skip)

    def hub_history(self) -> list[str]:
        """Return the ids of all recorded tasks, of all clients, in the order of their submission."""
        return history.all_ids(self._session)

    def resubmit(
        self,
        indices_or_msg_ids: Any = None,
        metadata: Any = None,
        block: bool | None = None,  # noqa: FBT001 (as users write it)
    ) -> AsyncResult[Any]:
        """Run tasks again, with the same function and arguments; return the AsyncResult of the new tasks.

        `indices_or_msg_ids`: a message id, an index into the history (None: the last task), an AsyncResult, or a list
        of these; tasks of any client. A call to an engine runs on that engine again. `block`: wait for the results.
        `metadata` has no effect. KeyError: no such task is known. EngineroomError: a task has not ended, or its
        function, its arguments or results that it took are not kept any more. EngineError: its engine is gone.
        """
        del metadata
        from engineroom.client.results.resubmitting import resubmit  # few run tasks again

        jobs = -1 if indices_or_msg_ids is None else indices_or_msg_ids
        names = ids_of(self._session, jobs)
        history.statuses(self._session, names)
        result = resubmit(self._session, names, single=isinstance(jobs, str | int))
        if self.block if block is None else block:
            result.wait()
        return result

    def audit(self, *, verify: bool = True) -> Audit:
        """Return whether the records of all tasks add up: submitted = delivered + pending + failed + aborted.

        `audit.well` is True if they do, no task was delivered twice, and no record is missing or was changed. Printing
        an Audit shows all this. `verify=False`: records are not compared with their checksums, which takes time.
        """
        from engineroom.client.results.audit import Audit  # few want one

        return Audit(history.ask_for_audit(self._session, verify=verify))

    def _engines_named(self, targets: Any) -> tuple[int, ...]:
        none = targets is None or targets == () or targets == []
        return () if none else tuple(resolve(targets, self._session.engines))
