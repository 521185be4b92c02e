"""The core's state of an engine."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from engineroom.core.tasks import Task
from engineroom.ids import Instance, Peer, TaskId
from engineroom.protocol.messages import EngineInfo, Full

if TYPE_CHECKING:  # pools know engines, and engines know pools
    from engineroom.core.holding import Account
    from engineroom.core.keeping.calls import Steps
    from engineroom.core.lines import Line
    from engineroom.core.placement import Pool
    from engineroom.core.returns import Return
    from engineroom.core.sessions import Session

CLOSED = -1
"""The level of an engine that is sent no more balanced tasks for now."""


class Engine:
    """One life of an engine process.

    `held` is in the order of sending. `load`: seconds of work it is expected to have. `level`: 0 idle, higher
    for more load, on a logarithmic scale, or CLOSED.
    """

    is_pool = False

    __slots__ = (
        "account",
        "beyond",
        "closed",
        "completed",
        "delivered_up_to",
        "direct",
        "dismissed",
        "first",
        "followers",
        "fresh",
        "full",
        "held",
        "host",
        "id",
        "info",
        "input_bytes",
        "inputs",
        "instance",
        "known_as",
        "large_bytes",
        "large_full",
        "large_tasks",
        "launched",
        "level",
        "life",
        "lines",
        "load",
        "lost",
        "met",
        "peer",
        "pid",
        "pools",
        "progress",
        "recalled",
        "returns",
        "rich",
        "silent_since",
        "since",
        "spare",
        "spawned",
        "stalled",
        "to_free",
        "tunnel",
        "unacknowledged",
        "unready",
        "waiting",
    )

    def __init__(self, id_: int, instance: Instance, info: EngineInfo) -> None:
        self.id = id_
        self.instance = instance
        self.info = info
        self.since = 0.0
        """When it joined."""
        self.host = b""
        """Instance of the host that started it, b"" for none."""
        self.spawned = False
        """By a spawner: that host will say how it ended..."""
        self.launched = False
        """... or by a launcher, in a batch job perhaps: no pipe tells it of its host's end."""
        self.pid = 0
        """Of its process, 0 if it cannot be seen by this controller."""
        self.tunnel = False
        """It came through an ssh tunnel."""
        self.dismissed = ""
        """Why it was told to end, "" if it was not."""
        self.silent_since: float | None = None
        """Since when it has not answered, or has been away; None while it is here, as far as anybody knows."""
        self.peer: Peer | None = None
        """None while its connection is cut, and until it has said what it holds."""
        self.account: Account | None = None
        """What it has said so far of what it holds, while it says so."""
        self.full: Full | None = None
        """It starts nothing, because it keeps too much that was not acknowledged."""
        self.to_free = 0
        """While it is full: bytes that it has yet to be allowed to forget."""
        self.closed = True
        """It is sent no balanced tasks: it is away, or full, or has kept calls to run."""
        self.known_as = Peer(0)
        """The peer that it is, or was last."""
        self.waiting: list[TaskId] = []
        """Those of `held` that run, and wait for tasks of their own: the last one is on top."""
        self.lost = False
        self.met = False
        """It has been connected to this controller, and has said what it held."""
        self.held: dict[TaskId, Task] = {}
        self.direct = 0
        """How many of `held` are direct."""
        self.recalled = 0
        """How many direct ones it has been asked to give back and has not answered about; and one more while it is...
        """
        self.unready = False
        """... waiting for kept calls that have to run ahead of direct ones."""
        self.first: Steps = {}
        """Kept calls that it has to run before it takes balanced tasks, or that have failed."""
        self.spare: dict[TaskId, Task] = {}
        """Those of `held` that are balanced and SENT: they can be asked back."""
        self.returns: dict[TaskId, Return] = {}
        """Large results that it has announced and that are not here."""
        self.large_tasks = 0
        self.large_bytes = 0
        self.large_full = False
        self.load = 0.0
        self.level = CLOSED
        self.lines: dict[Session, Line] = {}
        """By session: direct tasks that wait for bytes, or behind such; and large ones that it was sent."""
        self.rich = False
        """It has more than it can run at once, and some of it can be asked back."""
        self.stalled = False
        """It has been busy for longer than all that it holds should take."""
        self.progress = 0.0
        """When it last finished something, or got something after having nothing."""
        self.completed = 0
        self.pools: list[Pool] = []
        self.unacknowledged: dict[int, None] = {}
        """Numbers of its results that have arrived here and not yet for good at their clients."""
        self.delivered_up_to = 0
        self.beyond: set[int] = set()
        """Numbers above `delivered_up_to`, not next to it, that it may forget and has been told so."""
        self.life = 0
        """The number of this life among all of all engines, from 1 on."""
        self.inputs: dict[TaskId, int] = {}
        """Results of other engines that it was sent as arguments of its tasks, and their sizes, the oldest first."""
        self.input_bytes = 0
        """The sum of these."""
        self.followers: deque[Task] = deque()
        """Tasks that could wait there for their inputs, once there is room; some of these have gone elsewhere."""
        self.fresh: dict[int, None] = {}
        """Numbers that it may forget, and has not been told so."""

    def waits_no_more(self, task: TaskId) -> None:
        """`task` does not wait for tasks of its own, nor does what has run in its place. No harm if it did not."""
        if task in self.waiting:
            del self.waiting[self.waiting.index(task) :]

    @property
    def connected(self) -> bool:
        """Whether there is a connection to it, even if it has not said all that it holds."""
        return self.peer is not None or self.account is not None


class Departed(msgspec.Struct, frozen=True):
    """An engine that is gone."""

    id: int
    instance: Instance
    cause: str
    at: float
    host: bytes = b""
    spawned: bool = False
    launch: str = ""
    """What it was told of its start by a launcher: the same for all engines of a set, in each life of it."""
