"""Takes what the core notes of tasks: for the store, and for clients that wait for tasks of others to end."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from engineroom.controller.recording.awaited_ends import AwaitedEnds
from engineroom.controller.recording.changes import Scribe
from engineroom.controller.recording.earlier import Earlier
from engineroom.controller.recording.held_functions import HeldFunctions
from engineroom.controller.recording.history import HistoryQuestions
from engineroom.controller.recording.memory import MemoryKeeper
from engineroom.controller.recording.restoring import Restoring
from engineroom.core.events import Committed
from engineroom.core.journal import Journal
from engineroom.ids import Peer
from engineroom.protocol.messages import Notice
from engineroom.protocol.texts import brief
from engineroom.store.changes import Change, ClientKnown, Stopped
from engineroom.store.config import NoDatabase, StoreConfig
from engineroom.store.factory import create_store
from engineroom.store.memory import MemoryStore
from engineroom.trail.fixes import NOT_RECORDED

if TYPE_CHECKING:
    from engineroom.controller.links import Link
    from engineroom.controller.shell import Controller
    from engineroom.core.state import ControllerState
    from engineroom.store.interface import Store

T = TypeVar("T")

log = logging.getLogger(__name__)


class Keeper(Protocol):
    """Has tasks in a store, and asks it, off the loop. `trouble`: why it does not record all of them, "" if it does."""

    @property
    def trouble(self) -> str: ...
    def take(self, journal: Journal) -> None: ...
    def ask(self, question: Callable[[Store], T]) -> Awaitable[T]: ...
    def look_up(self, question: Callable[[Store], T]) -> Awaitable[T]: ...
    def change(self, make: Callable[[Store], list[Change]]) -> Awaitable[None]: ...
    def amend(self, make: Callable[[Store], list[Change]]) -> None: ...
    def kept(self) -> Awaitable[None]: ...
    def hurry(self) -> None: ...
    def cut_short(self) -> None: ...
    def close(self) -> Awaitable[None]: ...


class Recorder:
    """Records tasks, if there is a store."""

    def __init__(self, controller: Controller) -> None:
        self._controller, self._state = controller, controller.state
        controller.bodies.record_for(self)
        self.functions = HeldFunctions(controller.bodies.functions)
        self.keeper: Keeper | None = None
        self.ends = AwaitedEnds(self)
        self.history = HistoryQuestions(self)
        self.store: Store | None = None
        self.scribe = Scribe(0.0)
        self.earlier = Earlier(self.scribe, time.time)
        self.restoring = Restoring(self, controller)
        self._said_of_store: list[str] = []

    @property
    def said(self) -> list[str]:
        """What whoever has started this controller is to know: what is wrong with the store, and what goes on."""
        return [*self._said_of_store, *self.restoring.said]

    @property
    def trouble(self) -> str:
        """Why tasks are not recorded as they should be, "" if they are."""
        of_keeper = "" if self.keeper is None else self.keeper.trouble
        return brief(getattr(self.store, "trouble", "") or of_keeper)

    def why(self) -> str:
        """Return `trouble`, as `ipcluster why` tells it."""
        return f"{NOT_RECORDED}{self.trouble}" if self.trouble else ""

    @property
    def lasts(self) -> bool:
        """Whether what is recorded survives the controller."""
        return self.store is not None and self.store.on_disk

    @property
    def state(self) -> ControllerState:
        return self._state

    def open(self, config: StoreConfig, life: str, cluster: str = "") -> None:
        """Record tasks where `config` says; `life`: names this life of the cluster; `cluster`: all its lives.
        EngineroomError: that can't be."""
        if isinstance(config, NoDatabase):
            self.start(None)
            return
        store = create_store(config, life=life, cluster=cluster, report=self.report)
        store.open()
        self.start(store)

    def start(self, store: Store | None) -> None:
        """Record tasks in `store`, which is open; None: not at all."""
        self.scribe.offset = time.time() - self._controller.time()
        self.store = store
        if isinstance(store, MemoryStore):
            store.name_of = self.functions.name_of
            self.keeper = MemoryKeeper(self._state, self.scribe, store)
        elif store is not None:
            from engineroom.controller.recording.lasting import LastingKeeper  # not every controller has one

            self.keeper = LastingKeeper(
                store, self.scribe, self.functions, committed=self._committed, report=self.report
            )
            self._state.journal.early = True
        self._state.recording = store is not None

    def take(self) -> None:
        """Take what the core has noted since the last time."""
        journal = self._state.journal
        if self._state.first_attempt and (journal.ended or journal.received):
            self._look_back(journal)
        if journal.ended and self.ends.waiting:
            self.ends.look(journal.ended)
        if self.keeper is not None:
            self.keeper.take(journal)
        elif journal.ended or journal.expired:
            journal.ended, journal.expired = [], []
            self._state.recording = bool(self.ends.waiting)

    def _look_back(self, journal: Journal) -> None:
        """Have amended what the controller before this one could not write."""
        amends = self.earlier.look(journal)
        if amends is not None and self.keeper is not None:
            self.keeper.amend(amends)

    def client_came(self, link: Link, client: ClientKnown) -> None:
        """A client is there: it is told what others have been told, and later controllers are to know what it has said
        of itself."""
        if self.trouble:
            link.connection.send(Notice(brief(f"{self.why()}. Tasks go on")))
        if self.lasts and self.keeper is not None:
            self.keeper.amend(lambda _: [client])

    def ending(self, *, for_good: bool) -> None:
        """The controller ends. `for_good`: no other one is to go on with what has not ended; else tasks have not ended
        either that end because of this."""
        if not self.lasts or self.keeper is None:
            return
        if for_good:
            at = time.time()
            self.keeper.amend(lambda _: [Stopped(at)])
        else:
            self.take()
            self.keeper.cut_short()

    def client_gone(self, link: Link) -> None:
        """A client has gone: what it submitted is to survive the controller from now on."""
        self.ends.gone(link)
        if self.keeper is not None:
            self.keeper.hurry()

    def function_dropped(self, digest: bytes) -> None:
        """The controller is about to drop a function."""
        if self.keeper is not None:
            self.functions.dropping(digest)

    async def close(self) -> None:
        """Have written what is left."""
        if self.keeper is not None:
            self.take()
            await self.keeper.close()

    def _committed(self, last: int) -> None:
        self._controller.feed(Peer(0), Committed(last))

    def report(self, words: str) -> None:
        """Tell the log and the clients what became of the store; called by any thread."""
        log.warning("%s", words)
        if self.store is None:  # it is being opened, and no client is there
            self._said_of_store.append(words)
        self._controller.call_soon(self._tell, words)

    def _tell(self, words: str) -> None:
        for link in self._controller.links.with_role("client"):
            link.connection.send(Notice(brief(words)))
