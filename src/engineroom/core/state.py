"""The whole state of the core."""

from __future__ import annotations

from collections import OrderedDict, deque
from math import inf
from random import Random
from typing import TYPE_CHECKING

from engineroom.core.actions import Action, Send, ToPeer, WakeAt
from engineroom.core.edges import News
from engineroom.core.engines import Departed, Engine
from engineroom.core.journal import Journal
from engineroom.core.limits import Limits
from engineroom.core.placement import Needs, Pool
from engineroom.core.presence.register import Presence
from engineroom.core.queues import Clock
from engineroom.core.sessions import Session
from engineroom.core.tasks import MeasuredFunction
from engineroom.core.worlds import Worlds
from engineroom.ids import Instance, Peer, SessionId, TaskId
from engineroom.protocol.messages import Coming

if TYPE_CHECKING:  # they handle the state
    from engineroom.core.early_attaches import EarlyAttach
    from engineroom.core.events import RestoredTask
    from engineroom.core.families import Family
    from engineroom.core.forcing import Forced
    from engineroom.core.keeping.calls import KeptCall
    from engineroom.core.recovery import Recovery
    from engineroom.core.tasks import Task
    from engineroom.core.unwanted import Withdrawal


class ControllerState:
    """Plain data; only `reactor.handle` changes it.

    `now`, `rng` and `out` belong to the event that is being handled: its time, its source of randomness, and
    the actions so far.
    """

    def __init__(self, limits: Limits | None = None, *, recording: bool = False, early: bool = False) -> None:
        """`recording`: the ends of tasks are noted in `journal`; `early`: see there."""
        self.limits = limits or Limits()
        self.recording = recording
        self.journal = Journal(early=early)
        self.now = 0.0
        self.rng = Random(0)
        self.out: list[Action] = []

        self.sessions: dict[SessionId, Session] = {}
        self.clients: dict[Peer, Session] = {}
        """Those that are connected."""
        self.gone: OrderedDict[SessionId, Session] = OrderedDict()
        """Those that are not, in the order in which they went."""
        self.granted = 0
        """Bytes that sessions may keep of what all of them share."""
        self.paused: dict[Session, None] = {}
        """Those of which no more tasks are started..."""
        self.relieved: dict[Session, None] = {}
        """... and those of them whose pause may have to end."""

        self.first_attempt = 0
        """Attempts of this life of the controller have higher numbers, those of earlier ones lower."""
        self.restored_at = -inf
        """When it began to go on for another one."""
        self.recovery: Recovery | None = None
        """Engines of earlier lives are waited for."""
        self.late: dict[Engine, None] = {}
        """Those that are still away, once that is over."""
        self.held_back: dict[Task, RestoredTask | None] = {}
        """Tasks that wait for these engines, which may have them already, or for the rest of what their clients say;
        with what the store knew of those that come from there."""
        self.returning: dict[Session, None] = {}
        """Clients of tasks that come from the store, as long as these wait for them."""
        self.early_attaches: list[EarlyAttach] = []
        """Who waits to be attached to calls that this controller may not know yet."""
        self.engines: dict[int, Engine] = {}
        """By id: those that live, connected or away."""
        self.engine_peers: dict[Peer, Engine] = {}
        """By `known_as`."""
        self.instances: dict[Instance, Engine] = {}
        self.lives: dict[int, Engine] = {}
        """Those that live, by the number of their life..."""
        self.last_life = 0
        """... of which this is the highest so far."""
        self.next_id = 0
        """The lowest id that was never used..."""
        self.used_ids: set[int] = set()
        """... and the used ones above it."""
        self.worlds = Worlds()
        self.hosts: dict[bytes, Coming] = {}
        """What the hosts that live have in hand, as they said last..."""
        self.unsaid: dict[bytes, dict[Instance, int]] = {}
        """... and their engines that have died, with their ids, of whose ends they have said nothing."""
        self.presence = Presence()
        self.departed: OrderedDict[Instance, Departed] = OrderedDict()
        self.departed_ids: dict[int, Departed] = {}

        self.pools: OrderedDict[Needs, Pool] = OrderedDict()
        self.clock = Clock()
        self.idle: OrderedDict[Engine, None] = OrderedDict()
        """Engines that hold nothing."""
        self.rich: OrderedDict[Engine, None] = OrderedDict()
        """Engines from which something can be taken back."""

        self.functions: dict[bytes, MeasuredFunction] = {}
        self.away: dict[bytes, MeasuredFunction] = {}
        """Functions whose bytes are not here."""
        self.kept: dict[TaskId, KeptCall] = {}
        """Calls that run first of all on engines that join, in order."""
        self.idle_functions: OrderedDict[bytes, None] = OrderedDict()
        self.idle_function_bytes = 0

        self.families: dict[TaskId, Family] = {}
        """By the id of the task that has submitted others."""
        self.news: list[News] = []
        """What concerns tasks that wait for others, to be looked at when the event has been handled."""
        self.deadlines: list[tuple[float, SessionId, int]] = []
        """Heap of when tasks have waited long enough for others; some of these wait no more."""
        self.on_time = 0
        """How many of these still wait."""
        self.fetched_bytes = 0
        """Of results and outputs that their clients have fetched, and that are kept while their calls go on."""
        self.input_bytes = 0
        """The sum of `Session.input_bytes`."""
        self.staying_bytes = 0
        """The sum of `Session.staying_bytes`."""
        self.withdrawals: deque[Withdrawal] = deque()
        """Tasks that are to be withdrawn, in the order in which that was asked for."""
        self.forced: dict[TaskId, Forced] = {}
        """Tasks that must end, and may cost their engines."""
        self.owed: dict[Engine, None] = {}
        """Engines that have not been told all that they may forget."""
        self.owed_at: float | None = None
        self.rebalance_at: float | None = None
        self.patience, self.patient_until = self.limits.patience, 0.0
        """What `Limits.patience` says, or more until then."""
        self.guesses, self.guesses_until = 0, 0.0
        """How many engines may be asked for tasks because they are late, until when; see `prefetch`."""
        self.expire_at: float | None = None
        self.wake_at: float | None = None

    def send(self, peer: Peer | None, message: ToPeer, body: object = None) -> None:
        """Have `message` sent; nothing if the peer is away."""
        if peer is not None:
            self.out.append(Send(peer, message, body))

    def wake(self, when: float) -> None:
        """Have a Tick at `when`, unless there will be an earlier one anyway."""
        if self.wake_at is None or when < self.wake_at:
            self.wake_at = when
            self.out.append(WakeAt(when))

    def was_used(self, engine_id: int) -> bool:
        """Whether some engine has had this id."""
        return 0 <= engine_id < self.next_id or engine_id in self.used_ids

    @property
    def any_joined(self) -> bool:
        """Whether an engine has ever been here, or was there when the controller before this one ended."""
        return self.last_life > 0

    @property
    def all_unused_from(self) -> int:
        """The lowest id from which on none was ever used."""
        return max(self.used_ids, default=self.next_id - 1) + 1

    def check(self) -> None:
        """Assert what must always hold. O(everything): for tests."""
        from engineroom.core.invariants import check  # no controller needs it

        check(self)
