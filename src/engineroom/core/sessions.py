"""The core's state of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.ends import Ends
from engineroom.core.tasks import Kept, Task
from engineroom.ids import Peer, SessionId
from engineroom.protocol.messages import Who

if TYPE_CHECKING:  # these know sessions
    from engineroom.core.claims import Claim
    from engineroom.core.edges import Waiters
    from engineroom.core.engines import Engine
    from engineroom.core.keeping.calls import KeptCall
    from engineroom.core.lines import Arrival
    from engineroom.core.outputs import KeptOutput
    from engineroom.core.returns import Return
    from engineroom.core.whole_calls import WholeCall
    from engineroom.protocol.task_ranges import Range


class Session:
    """One client, over any number of connections.

    Every task up to `known_up_to` has arrived; every result up to `delivered_up_to` is with the client.
    """

    __slots__ = (
        "alone",
        "arrivals",
        "asked",
        "awaited",
        "behind",
        "calls",
        "claims",
        "delivered_up_to",
        "dropped",
        "ends",
        "gone_at",
        "granted",
        "id",
        "input_bytes",
        "kept",
        "kept_bytes",
        "known_up_to",
        "lacking",
        "low",
        "maps",
        "output_bytes",
        "output_cut",
        "outputs",
        "paused",
        "peer",
        "results",
        "returns",
        "room",
        "staying",
        "staying_bytes",
        "stored_up_to",
        "submitted_bytes",
        "tasks",
        "told",
        "unnamed",
        "unsent",
        "used",
        "watching",
        "who",
        "withdraw",
        "within",
    )

    def __init__(self, id_: SessionId, allowance: int) -> None:
        """`allowance`: bytes of results that may be kept for it in any case."""
        self.id = id_
        self.peer: Peer | None = None
        self.within: Engine | None = None
        """The engine whose tasks speak for it, None if it is a client of its own."""
        self.withdraw = False
        """Its unfinished tasks are withdrawn when it has ended."""
        self.gone_at = 0.0
        self.known_up_to = 0
        self.delivered_up_to = 0
        self.tasks: dict[int, Task] = {}
        """By number: those that have not ended."""
        self.claims: dict[int, Claim] = {}
        """By number: what engines hold of tasks that the client has not submitted to this controller; see `claims`."""
        self.stored_up_to = 0
        """What a store had of its tasks when this controller began was of those up to this number."""
        self.alone = False
        """Its client was one of another cluster, of which the store knows: it can't come back."""
        self.told = False
        """The client has submitted again, to this controller, all that it had to."""
        self.results: dict[int, Kept] = {}
        """By number, in the order in which they ended: those that the client may not have yet."""
        self.outputs: dict[int, KeptOutput] = {}
        """By number: what tasks wrote whose results the client may not have yet."""
        self.output_bytes = 0
        """What that takes of tasks that have not ended."""
        self.output_cut = False
        """Some of that was left out, because all of it together was too much."""
        self.calls: dict[int, WholeCall] = {}
        """By the numbers of their tasks: calls of several tasks of which one has ended, and those that others watch."""
        self.maps: dict[int, int] = {}
        """The first and the last tasks of its maps, the latest ones; see `maps`."""
        self.watching: dict[WholeCall, None] = {}
        """The calls of other clients to which its client is attached."""
        self.who = Who()
        """Who its client is, as far as that was said."""
        self.dropped: list[Range] = []
        """Numbers whose results were dropped, because nobody has fetched them for too long."""
        self.unsent: dict[int, int] = {}
        """Numbers of tasks that its client is to submit again, and how often each of them was tried."""
        self.lacking: set[int] = set()
        """Results that its tasks take, as far as it has told a controller that has just started."""
        self.arrivals: dict[int, Arrival] = {}
        """By the number of their first task: arguments that are on their way."""
        self.kept: dict[int, KeptCall] = {}
        """By its own numbers: calls that run first of all on engines that join."""
        self.awaited: dict[int, Waiters] = {}
        """By number: who waits for tasks that have not ended; see `edges`."""
        self.ends = Ends()
        """How its tasks ended, and where."""
        self.input_bytes = 0
        """What results take that are arguments of its tasks: these do not count as `kept_bytes`."""
        self.staying: dict[int, Kept] = {}
        """By number, the oldest first: those of its results that its client has and may name, see `staying`..."""
        self.staying_bytes = 0
        """... and what they take: that counts neither as `kept_bytes` nor as `input_bytes`."""
        self.unnamed: set[int] = set()
        """Those of them that its client has not named over the connection that it has now."""
        self.used = 0.0
        """Seconds of engine time, as far as fairness counts them."""

        # What follows is how `pressure` bounds it.
        self.kept_bytes = 0
        """What its results take here, with the output of their tasks, and those that were asked for and are on their
        way."""
        self.returns: dict[Return, None] = {}
        """Results that wait in engines, because there is no room for them."""
        self.submitted_bytes = 0
        """What its unfinished tasks take here, apart from bytes that come as streams."""
        self.room = allowance
        """Beyond so many bytes kept, `press` is called."""
        self.granted = 0
        """How much of its room comes from what all sessions share."""
        self.low = 0
        """Below so many bytes kept, `relieve` is called."""
        self.paused = False
        """None of its tasks is started."""
        self.behind = False
        """Its client does not read what it is sent."""
        self.asked: list[Task] = []
        """What engines were asked to return when the pause began."""

    def may_send_again(self, task: Task) -> bool:
        """Whether its client can be asked for `task` once more, which has been submitted to this controller."""
        return self.peer is not None or not (self.alone or self.claims.get(task.number) is task)
