"""What a store has of tasks that have not ended, when a controller begins: read, and told to the core."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engineroom.controller.recording.stored_bytes import StoredCalls, stored_function, whole
from engineroom.core.events import RecordedEnd, RecordedEnds, RestoredTask, RestoredTasks
from engineroom.core.journal import Try
from engineroom.core.recovery import ENDED
from engineroom.ids import Instance, Peer, SessionId, TaskId, number_of, parse_msg_id, session_of
from engineroom.protocol.messages import Result, Submit
from engineroom.protocol.spans import tasks_in
from engineroom.protocol.task_ranges import ranges_of
from engineroom.store.changes import ClientKnown, Stopped
from engineroom.store.entry import Attempt, Entry, Running
from engineroom.store.interface import Damage, Store, StoreTrouble

if TYPE_CHECKING:
    from engineroom.controller.recording.recorder import Recorder
    from engineroom.controller.shell import Controller

log = logging.getLogger(__name__)

_NO_FUNCTION = "the function of this task was not in the database any more when the controller was restarted"
_NO_ARGUMENTS = "the arguments of this task were not in the database when the controller was restarted"
_NAMED = 5
"""So many damaged records are named."""


class Restoring:
    """Has the core go on with what a store knows."""

    def __init__(self, recorder: Recorder, controller: Controller) -> None:
        self._recorder, self._controller = recorder, controller
        self._known: dict[bytes, int] = {}
        """The clients of an earlier controller that have not come back, with the last of their tasks."""
        self._calls = StoredCalls(recorder, controller)
        self.said: list[str] = []
        """What has been done, in words for whoever has started this controller."""

    def begin(self, *, returns: bool, drop: bool) -> None:
        """Go on with what was not done. `returns`: clients may come back; `drop`: leave it undone."""
        store = self._recorder.store
        if store is None or not store.on_disk or not (returns or store.left_behind()):
            return
        damaged: list[Damage] = []
        entries: list[Entry] = []
        events: list[RestoredTasks] = []
        try:
            known = store.known_up_to()
            self._known = dict(known) if returns else {}
            if drop:
                self._drop(store)
                return
            self._read(store, entries, damaged)
            events = self._events(store, entries, damaged, known, returns=returns)
        except Exception as error:  # noqa: BLE001 (a store may be anybody's; it is said)
            self._say(f"unfinished tasks cannot be read, and stay in the database: {error}")
        for event in events:
            self._controller.feed(Peer(0), event)
        if damaged:
            names = ", ".join(each.msg_id for each in damaged[:_NAMED])
            more = f" and {len(damaged) - _NAMED} others" if len(damaged) > _NAMED else ""
            self._say(f"unfinished tasks are damaged in the database and do not run: {names}{more}")
        if events:
            self._say(_words(store, len(entries), len(events), returns=returns))

    def _read(self, store: Store, entries: list[Entry], damaged: list[Damage]) -> None:
        """Read which tasks have not ended. What was read before an error counts."""
        try:
            for entry in store.left(damaged.append):
                entries.append(entry)  # noqa: PERF402 (as above)
        except StoreTrouble as trouble:
            self._say(f"not all unfinished tasks can be read, and the others stay in the database: {trouble}")

    def client_comes(self, session: SessionId) -> None:
        """Have the core know which results a client may lack, when it comes back to this controller."""
        known = self._known.pop(session, 0)
        store = self._recorder.store
        if not known or store is None:
            return
        try:
            ends = tuple(_ends(store.undelivered(session, known)))
        except StoreTrouble as trouble:
            log.warning("results cannot be read, so tasks may run again: %s", trouble)
            return
        self._controller.feed(Peer(0), RecordedEnds(session, known, ends))

    def _drop(self, store: Store) -> None:
        count = sum(1 for _ in store.left(lambda _: None))
        store.write([Stopped(time.time())])
        if count:
            self._say(f"dropped {_tasks(count)} that an earlier cluster had not done (IPController.drop_unfinished)")

    def _events(
        self,
        store: Store,
        entries: list[Entry],
        damaged: list[Damage],
        known: Mapping[bytes, int],
        *,
        returns: bool,
    ) -> list[RestoredTasks]:
        """Return what the core is told, of each client by itself."""
        by_session: dict[SessionId, list[Entry]] = {}
        for entry in entries:
            by_session.setdefault(session_of(entry.task), []).append(entry)
        named = {entry.submit.call.function for entry in entries}
        missing = {digest for digest in named if not self._has(store, digest)}
        clients = store.clients()
        failed = _failed(store, entries)
        for each in damaged:
            task = parse_msg_id(each.msg_id)
            failed.setdefault(session_of(task), []).append(number_of(task))
        events = []
        for session, its in by_session.items():
            client = clients.get(session) or ClientKnown(session)
            events.append(
                RestoredTasks(
                    session,
                    tuple([self._task(entry, missing) for entry in its]),
                    max(known.get(session, 0), *(number_of(entry.task) for entry in its)),
                    ended=tuple(_ends(store.entries(_inputs(its)))),
                    failed=tuple(ranges_of(sorted(failed.get(session, ())))),
                    returns=returns,
                    withdraw=client.withdraw,
                    who=client.who,
                )
            )
        return events

    def _has(self, store: Store, digest: bytes) -> bool:
        """Have a function on the shelf; return whether it is there, with its parts."""
        return not digest or stored_function(store, self._controller.bodies.functions, digest)

    def _task(self, entry: Entry, missing: set[bytes]) -> RestoredTask:
        submit = _of_one(entry)
        call = submit.call
        body = None if isinstance(call.body, bytes) else self._calls.payload(entry)
        lost = _NO_FUNCTION if call.function in missing else ""
        if not isinstance(call.body, bytes) and body is None:
            lost = _NO_ARGUMENTS
        tries = tuple(map(_try, entry.attempts))
        last = entry.attempts[-1] if entry.attempts else None
        errors, losses = (last.errors, last.losses) if isinstance(last, Running) else (0, 0)
        return RestoredTask(
            submit, body, entry.submitted - self._recorder.scribe.offset, tries, lost, errors=errors, losses=losses
        )

    def _say(self, words: str) -> None:
        log.warning("%s", words)
        self.said.append(words)


def _try(attempt: Attempt) -> Try:
    place = attempt.place
    return Try(attempt.number, place.engine, Instance(place.instance), place.host, attempt.cause or ENDED, 0.0)


def _of_one(entry: Entry) -> Submit:
    """Return what was asked for of this task alone."""
    submit = entry.submit
    if submit.to is None or (submit.task == entry.task and len(submit.to) == len(entry.target or b"")):
        return submit
    return replace(submit, task=entry.task, to=entry.target)


def _inputs(entries: Iterable[Entry]) -> list[TaskId]:
    """Return the tasks that are arguments of others, and have ended."""
    needed: dict[TaskId, None] = {}
    for entry in entries:
        awaits = entry.submit.awaits
        if awaits is not None and awaits.inputs:
            needed.update(dict.fromkeys(tasks_in(awaits.inputs)))
    return list(needed)


def _ends(entries: Iterable[Entry]) -> Iterator[RecordedEnd]:
    """Yield how these tasks ended, with the bytes of their results; what has not, or is damaged, is left out."""
    for entry in entries:
        result = entry.result
        if result is None:
            continue
        named = result if result.task else Result(entry.task, result.engine, result.outcome, result.body)
        if isinstance(result.body, bytes):
            yield RecordedEnd(named)
        elif entry.body is not None:
            yield RecordedEnd(named, whole(entry.body))


def _failed(store: Store, entries: Iterable[Entry]) -> dict[SessionId, list[int]]:
    """Return which tasks did not end well, if it matters to any of `entries`."""
    found: dict[SessionId, list[int]] = {}
    if any(entry.submit.awaits is not None for entry in entries):
        for entry in store.search({"state": {"$in": ["failed", "aborted"]}}):
            found.setdefault(session_of(entry.task), []).append(number_of(entry.task))
    return found


def _words(store: Store, tasks: int, clients: int, *, returns: bool) -> str:
    whose = f"{_tasks(tasks)} of {clients} client{'' if clients == 1 else 's'}"
    were, it, run = ("was", "it", "It runs") if tasks == 1 else ("were", "them", "They run")
    behind = store.left_behind()
    if returns or behind is None:
        return f"{whose} {were} not done when the controller was restarted: what no engine still has runs again"
    return (
        f"{whose} {were} not done when the cluster ended{_at(behind.at)}. {run} now. To list {it}, run "
        f"`ipcluster tasks`; to drop {it}, run `ipcluster stop`"
    )


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count:,} tasks"


def _at(when: float) -> str:
    then, now = datetime.fromtimestamp(when).astimezone(), datetime.now().astimezone()
    return f" at {then:%H:%M}" if then.date() == now.date() else f" on {then:%b %d at %H:%M}"
