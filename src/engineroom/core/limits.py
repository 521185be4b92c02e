"""Configurable limits; all have safe defaults."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """How much is held where, and for how long. Times in seconds."""

    policy: str = "leastload"
    """Who gets a task: a name in `policies.POLICIES`."""

    prefetch_seconds: float = 0.010
    """An engine is sent tasks until it has work for so long. Engines batch their I/O about every 5 ms."""
    prefetch_tasks: int = 1000
    spread_tasks: int = 64
    """While no more than this are unfinished, each task goes to the engine with the least to do..."""
    batch_tasks: int = 32
    batch_seconds: float = 0.0005
    batch_until: float = 0.002
    """... beyond, so many calls of one function, that take so long in all, and come within this time, go together."""
    task_overhead: float = 15e-6
    """What the smallest task costs an engine beside its run time."""
    medium_seconds: float = 0.100
    """An engine with less work than this holds one task more than it runs."""
    patience: float = 0.100
    """An engine that is overdue by this counts as busy with something long."""
    large_tasks: int = 32
    large_bytes: int = 64 * 1024 * 1024
    """Tasks whose bytes come as streams: an engine is sent no more balanced ones beyond these."""
    ahead_bytes: int = 64 * 1024 * 1024
    ahead_direct_bytes: int = 256 * 1024 * 1024
    ahead_tasks: int = 1000
    """Arguments that come as streams: of one client's tasks for the same engines, so many are asked for in advance;
    one in any case. Balanced tasks count until an engine is sent them, direct ones until they have ended."""

    acknowledge_seconds: float = 0.050
    acknowledge_results: int = 500
    """An engine is told which results have arrived this often, or after so many."""

    linger: float = 900.0
    """How long a client that is gone can come back for its results."""
    kept_bytes: int = 512 << 20
    """Of results, for one client, connected or gone: while there are more, its next tasks are not started."""
    all_kept_bytes: int = 1 << 30
    """The same for all clients together; a small part of `kept_bytes` is each client's own, and not counted here."""
    input_bytes: int = 512 << 20
    all_input_bytes: int = 1 << 30
    """Of results that are arguments of unfinished tasks, for one client and for all together: tasks that need more
    fail. These do not count as `kept_bytes`."""
    engine_input_bytes: int = 256 << 20
    """Of results that an engine was sent as arguments: beyond these, it forgets those that were sent first."""
    submitted_bytes: int = 2 << 30
    """What the unfinished tasks of a client may take here, apart from what comes as streams; more are refused."""
    keep_bytes: int = 256 << 20
    """The calls that a client keeps for engines that join later may take here; more are refused."""
    output_bytes: int = 256 << 20
    task_output_bytes: int = 72 << 20
    """Kept of what the unfinished tasks of a client wrote, and of what one task did, in case the client is cut off: the
    first and the last of it. Connected clients are sent all of it at once, but for large displays that do not fit. What
    ended tasks wrote counts with their
    results."""
    fetched_bytes: int = 64 << 20
    """Of calls for several engines that go on: results and output that their clients have fetched, for others who
    attach. What comes beyond is let go."""
    idle_function_bytes: int = 64 << 20
    idle_functions: int = 512
    """Functions remembered though no unfinished task names them."""
    reattach_grace: float = 2.0
    """How long an engine whose connection broke may take to come back, where nobody could report its death."""
    reconnect_timeout: float = 60.0
    """The same, where it may have been cut off."""
    cause_seconds: float = 0.1
    """How long the cause of a death is waited for..."""
    host_seconds: float = 2.0
    """... where the engine's host will say it: that may be busy, or on its way to us."""
    tunnel_factor: float = 5.0
    """How much longer may take to come back what came through a tunnel: ssh has to log in again."""
    look_every: float = 0.5
    """How often the process of an engine that is cut off is looked for, where it can be seen."""
    interrupt_grace: float = 5.0
    """How long a task that was interrupted may take to end."""
    lease: float = 60.0
    """How long this controller, and engines in batch jobs, go on without the host that started them."""
    ping_every: float = 0.0
    """How often links are looked at: those that have been quiet are pinged. 0: never."""
    unresponsive: float = 6.0
    """Who has not answered for so long is unresponsive..."""
    unresponsive_timeout: float = 0.0
    """... and lost after so long; 0: never."""
    maps: int = 1000
    """Maps of one client that are known as such: the latest ones."""
    gone_sessions: int = 10_000
    """Clients that are gone: beyond these, one that has nothing here is forgotten for each that goes."""
    departed: int = 10_000
    """Engines that are gone and whose cause is remembered."""

    @property
    def own_bytes(self) -> int:
        """How much may be kept for a client whatever is kept for others."""
        return self.kept_bytes // 32

    @property
    def staying_bytes(self) -> int:
        """How much may stay here, for one client, of results that it has and may name in further calls."""
        return min(self.kept_bytes, self.input_bytes) // 2

    @property
    def all_staying_bytes(self) -> int:
        """The same for all clients together: beyond, whose result comes next is asked to let go of its oldest ones."""
        return min(self.all_kept_bytes, self.all_input_bytes) // 2
