"""`rc.results` and `rc.metadata`: what a client still knows of its tasks, by message id."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engineroom.client.results.async_result import AsyncResult
from engineroom.client.results.found import Jobs, ids_of
from engineroom.client.results.history import find_records
from engineroom.client.results.metadata import Metadata, metadata_of
from engineroom.client.state.recent import MOST
from engineroom.errors import EngineroomError
from engineroom.errors.local import called_by_users
from engineroom.ids import msg_id, number_in, parse_msg_id, task_id

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.state.tasks import Task

_RECORDED = ("submitted", "engine_id", "engine_uuid", "label")
"""What is not kept here of tasks that have ended: a client has many, and these are seldom asked for."""


class _ById(Mapping[str, Any]):
    """What is known of tasks, by message id; an AsyncResult of a single task can stand for its id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __iter__(self) -> Iterator[str]:
        session = self._session
        return iter([msg_id(task_id(session.id, number)) for number in self._numbers()])

    def __len__(self) -> int:
        return len(self._numbers())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str | AsyncResult) and self._find(key) is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: of {len(self)} task{'' if len(self) == 1 else 's'}>"

    def _numbers(self) -> list[int]:
        with self._session.condition:
            return list(self._session.recent.engines())

    def _task(self, key: object) -> Task:
        if not isinstance(key, str | AsyncResult):
            raise TypeError(f"expected an AsyncResult or a message id, got {key!r}")
        task = self._find(key)
        if task is None:
            raise KeyError(self._why_not(key if isinstance(key, str) else key.msg_ids[0]))
        return task

    def _find(self, key: str | AsyncResult[Any]) -> Task | None:
        if isinstance(key, AsyncResult):
            [key] = key.msg_ids
        with self._session.condition:
            return self._known(self._number(key))

    def _number(self, name: str) -> int:
        """Return the number of one of this client's tasks; 0: it is none."""
        try:
            return number_in(self._session.id, parse_msg_id(name))
        except ValueError:
            return 0

    def _known(self, number: int) -> Task | None:
        return self._session.recent.get(number)

    def _why_not(self, name: str) -> str:
        number = self._number(name)
        if not 0 < number <= self._session.last_number:
            return f"this client has submitted no task {name}"
        if number in self._session.tasks:
            return f"task {name} has not ended: wait for it with `rc.wait({name!r})`"
        return (
            f"what became of task {name} is not kept any more: only the last {MOST:,} results are, as far as they are "
            "small. Hold the AsyncResult that the call returned, and read `ar.get()`"
        )


@called_by_users("__getitem__", "__delitem__")
class ResultsById(_ById):
    """The results of the tasks that ended last. Reading that of a task that raised raises its error."""

    def __getitem__(self, key: Any) -> Any:
        return self._task(key).value()

    def __delitem__(self, key: Any) -> None:
        task = self._task(key)
        with self._session.condition:
            self._session.recent.forget({task.number})

    def pop(self, key: Any, *default: Any) -> Any:
        """Return a result and forget it; of a task that is not known, `default`, or KeyError."""
        try:
            value = self[key]
        except KeyError:
            if default:
                return default[0]
            raise
        del self[key]
        return value

    def clear(self) -> None:
        """Forget all results."""
        with self._session.condition:
            self._session.recent.forget(range(self._session.last_number + 1))


@called_by_users("__getitem__")
class MetadataById(_ById):
    """The metadata of tasks that have not ended, and of those that ended last."""

    def __getitem__(self, key: Any) -> Metadata:
        task = self._task(key)
        request = task.request
        found = metadata_of(task, self._session.id, "" if request is None else request.options.label, None)
        if task.outcome is not None:
            self._complete(found)
        return found

    def _complete(self, found: Metadata) -> None:
        """Add what only the controller's record still has of a task that has ended, if it can be asked now."""
        number = self._number(found["msg_id"])
        with self._session.condition:
            facts = self._session.recorded.find(number)
        if facts is None and not self._session.silence.is_away:
            with suppress(EngineroomError, TimeoutError, RuntimeError):  # RuntimeError: nobody may wait here
                facts = self._asked(number)
        if facts is not None:
            found.update({key: facts[key] for key in _RECORDED if found[key] is None})

    def _asked(self, number: int) -> Mapping[str, Any] | None:
        """Return what is recorded of a task, and learn of its neighbours; None: nothing is. Errors: see `ask`."""
        session = self._session
        with session.condition:
            numbers = session.recorded.to_ask(number, session.recent.engines())
        names = {msg_id(task_id(session.id, each)): each for each in numbers}
        records = find_records(session, {"msg_id": {"$in": list(names)}}, _RECORDED, None, None, 0)
        facts = {names[record["msg_id"]]: record for record in records if record["msg_id"] in names}
        with session.condition:
            session.recorded.note(facts)
        return facts.get(number)

    def _numbers(self) -> list[int]:
        return super()._numbers() + list(self._session.tasks)

    def _known(self, number: int) -> Task | None:
        return self._session.tasks.get(number) or super()._known(number)


def purge(session: Session, jobs: Jobs | str, engines: Collection[int]) -> None:
    """Forget the results of `jobs` ("all", or what names tasks), and of all tasks that ran on `engines`.

    RuntimeError: a task among them has not ended.
    """
    unfinished = tuple(session.tasks.values())
    if isinstance(jobs, str) and jobs == "all":
        names, waiting = list(ResultsById(session)), [task.number for task in unfinished]
    else:
        names = ids_of(session, jobs)
        numbers = {number_in(session.id, parse_msg_id(name)) for name in names}
        waiting = [task.number for task in unfinished if task.number in numbers or task.engine in engines]
    if waiting:
        first = msg_id(task_id(session.id, min(waiting)))
        raise RuntimeError(
            f"{f'{len(waiting)} tasks have' if len(waiting) > 1 else '1 task has'} not ended ({first}), and results "
            "can be purged only after that: wait with `rc.wait()`, or cancel tasks with `rc.abort()`"
        )
    with session.condition:
        recent = session.recent
        gone = {number_in(session.id, parse_msg_id(name)) for name in names}
        recent.forget(gone | {number for number, engine in recent.engines().items() if engine in engines})
