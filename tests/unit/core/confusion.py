"""What peers say that is not so, or that nobody expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.events import (
    BodyHere,
    BodyLost,
    ClientGone,
    Dismiss,
    EngineUp,
    Event,
    FunctionLost,
    Large,
    ResultAnnounced,
)
from engineroom.core.not_allowed import LAST_TASK, NotAllowedError
from engineroom.ids import Peer
from engineroom.protocol.messages import (
    Abort,
    AlreadyStarted,
    Call,
    Delivered,
    Display,
    Displays,
    EngineExited,
    Finished,
    Held,
    Kind,
    Outcome,
    Output,
    Revoked,
    Run,
    Started,
    Status,
    Stream,
    Submit,
    Waits,
    Withdrawn,
)
from engineroom.protocol.task_ranges import attempt_ranges
from tests.unit.core.pretend import PretendEngine, instance_id, task, tasks, watcher

if TYPE_CHECKING:  # it calls this
    from tests.unit.core.pretend_client import Client
    from tests.unit.core.world import World


def confuse(world: World, what: int, client: Client, engine: PretendEngine, how: int) -> None:
    """Have `what`, from 33 to 40, happen in `world`."""
    match what:
        case 33:
            _lie_of_a_client(world, client, how)
        case 34:
            _lie_of_an_engine(world, engine, how)
        case 35:
            _lie_of_a_host(world, engine, how)
        case 36:
            world.perform(world.play(client.peer or Peer(0), Dismiss((how % 4,), "a client wants so")))
        case 37:
            _be_silent(world, engine, how)
        case 38 if engine.running is not None and engine.peer is not None:
            kind = Displays.DATA if how % 2 else Displays.SHOW
            shown = Display(engine.running.task, engine.running.attempt, kind, how % 3, b"{}")
            world.perform(world.play(engine.peer, shown))
        case 39:
            engine.large = how % 2 == 0
        case _:
            client.withholds = what == 40 and how % 3 > 0


def _be_silent(world: World, engine: PretendEngine, how: int) -> None:
    """A host falls silent or answers again, or nothing at all happens for longer than the lease."""
    if how % 2:
        world.silent_hosts ^= {watcher(engine.host)}
    else:
        world.play.now += 61.0
        world.perform(world.play.tick(0.0))


def _lie_of_a_client(world: World, client: Client, how: int) -> None:
    """A client speaks of tasks that are not its own, that cannot be, or that it has not submitted."""
    if client.peer is None:
        return
    call = Call(Kind.APPLY, b"f", b"")
    other = 3 - client.number
    lies: tuple[Event, ...] = (
        Submit(task(how + 1, other), call),
        Submit(task(LAST_TASK + 1, client.number), call),
        Submit(task(1000 + how, client.number), call, within=task(1, other)),
        Submit(task(1000 + how, client.number), call, to=b"no engine"),
        Large(Submit(task(how + 1, other), Call(Kind.APPLY, b"f", Stream(1, 600))), object()),
        Abort(tasks(1, 2, 3, client=other), interrupt=True),
        Delivered(0, ((1000, 2000),)),
        FunctionLost(b"i", "it never came"),
        BodyHere(task(1 + how, client.number), object()),
        BodyLost(task(1 + how, client.number), object(), "it never came"),
    )
    try:
        world.perform(world.play(client.peer, lies[how % len(lies)]))
    except NotAllowedError:  # it is sent away, and comes back
        world.perform(world.play(client.peer, ClientGone()))
        client.peer = None
        client.up()


def _lie_of_an_engine(world: World, engine: PretendEngine, how: int) -> None:
    """An engine speaks of a task that it does not have, or says again what it holds."""
    if engine.peer is None:
        return
    known = [id_ for client in world.clients for id_ in client.submitted] or [task(1)]
    id_, attempt = known[how % len(known)], 1 + how % 2
    has = {(run.task, run.attempt) for run in (*engine.direct, *engine.balanced, engine.running) if run is not None}
    if (id_, attempt) in has or any(isinstance(sent, Run) for sent in engine.inbox):
        return
    number = 10**6 + how
    engine.repeated.add(number)
    lies: tuple[Event, ...] = (
        Started(id_, attempt),
        Waits(id_, attempt, how % 3 > 0),
        AlreadyStarted(id_, attempt),
        Revoked(id_, attempt),
        Withdrawn(tuple(attempt_ranges([(id_, attempt)]))),
        Finished(number, id_, attempt, Outcome(Status.OK, 0.0, 0.1), b"a lie"),
        ResultAnnounced(Finished(number, id_, attempt, Outcome(Status.OK, 0.0, 0.1), Stream(1, 600)), object()),
        Output(id_, attempt, 1, 0, "a lie"),
        Held(last=True),
    )
    world.perform(world.play(engine.peer, lies[how % len(lies)]))


def _lie_of_a_host(world: World, engine: PretendEngine, how: int) -> None:
    """A host speaks of engines that are not its own, or has one join under an id that is taken."""
    other = world.engines[how % len(world.engines)]
    world.perform(world.play(watcher(engine.host), EngineExited(other.instance, "it is said so", own=True)))
    world.perform(world.play(watcher(engine.host), Dismiss((0, 1, 2, 3), "it wants so", b"nobody")))
    taken = how % 4
    if taken in world.play.state.engines:
        world.perform(world.play.alone(next(world.peers), EngineUp(instance_id(900), wanted_id=taken)))
