"""One story: a cluster, what its clients want of it, and what befalls it; all of it drawn from the seed."""

from __future__ import annotations

from functools import partial
from itertools import count
from random import Random

from engineroom.core.events import Restored
from engineroom.ids import Instance, Peer, SessionId, TaskId
from engineroom.protocol.messages import Options
from tests.simulation.chaos.account import Account
from tests.simulation.chaos.clients import Client
from tests.simulation.chaos.controller import Controller
from tests.simulation.chaos.engines import Engine
from tests.simulation.chaos.hosts import Host
from tests.simulation.chaos.world import Process, World

TASKS = 24
LASTS = 4.0
"""Seconds in which something befalls the cluster."""
PATIENCE = 400.0
"""After so many seconds everything must be over."""

MISHAPS = ("kill engine", "stop", "cut", "kill host", "kill client", "kill controller")


class Cluster:
    """The cluster of one seed. `checked_every`: so many events apart, the core is checked."""

    def __init__(self, seed: int, mishaps: tuple[str, ...] = MISHAPS, *, checked_every: int = 20) -> None:
        self.world = world = World(seed)
        self.checked_every = checked_every
        self.account = Account(self)
        self.started: dict[Instance, Engine] = {}
        self._life = 0
        self.controller: Controller | None = None
        self.controller = Controller(world, self)
        self.engine_peers: dict[Peer, Engine] = {}
        self._instances = count(1)
        self._seconds: dict[TaskId, float] = {}
        self._deadly: set[TaskId] = set()
        self._direct: set[TaskId] = set()
        rng = world.rng
        self.hosts = [Host(self, b"h%d" % n * 8, rng.randint(1, 3)) for n in range(rng.randint(1, 3))]
        self.clients = [Client(self, SessionId(bytes([n]) * 16)) for n in (1, 2)]
        self.heir = Client(self, SessionId(b"heir" * 4))
        self._submit_all()
        for _ in range(rng.randint(1, 8)):
            world.later(rng.uniform(0.0, LASTS), partial(self._befall, rng.choice(mishaps), Random(rng.random())))

    def new_instance(self) -> Instance:
        return Instance(next(self._instances).to_bytes(2) * 8)

    def seconds_of(self, task: TaskId) -> float:
        return self._seconds.get(task, 0.01)

    def is_deadly(self, task: TaskId) -> bool:
        return task in self._deadly

    def unreachable(self, process: Process) -> bool:
        del process
        return False

    def lives(self, peer: Peer) -> bool:
        engine = self.engine_peers.get(peer)
        return engine is None or engine.alive

    def engines(self) -> list[Engine]:
        return [engine for host in self.hosts for engine in host.engines if engine.alive]

    def kill_engine(self, engine_id: int, *, own: bool = False, cause: str = "killed by SIGKILL") -> None:
        for host in self.hosts:
            for engine in host.engines:
                if engine.id == engine_id and engine.alive:
                    self._dies(host, engine, cause, own=own)
                    return

    def ends_itself(self, engine: Engine, run: object) -> None:
        """A task ends its engine."""
        if engine.running is run:
            self.exits(engine, "exit code 3")

    def has_joined(self, engine: Engine) -> None:
        """The controller tells the host that an engine has joined."""
        for host in self.hosts:
            if engine in host.engines:
                host.after(self.world.latency(), host.say_what_comes)

    def exits(self, engine: Engine, cause: str) -> None:
        """An engine ends by its own doing, and its host, if that lives, sees it."""
        for host in self.hosts:
            if engine in host.engines and engine.alive:
                self._dies(host, engine, cause, own=True)

    def _dies(self, host: Host, engine: Engine, cause: str, *, own: bool) -> None:
        self.account.died(engine)
        engine.kill()
        host.engine_died(engine, cause, own=own)

    def _submit_all(self) -> None:
        rng = self.world.rng
        for client in self.clients:
            for _ in range(TASKS):
                self.world.later(rng.uniform(0.2, LASTS / 2), partial(self._submit, client, Random(rng.random())))

    def _submit(self, client: Client, rng: Random) -> None:
        def submit() -> None:
            engines = self.engines()
            direct = rng.random() < 0.3 and engines
            chosen = rng.sample(engines, rng.randint(1, len(engines))) if direct else []
            to = b"".join(engine.instance for engine in chosen) or None
            tasks = client.submit(to, Options(priority=rng.choice((0, 0, 1))))
            for task in tasks:
                self._seconds[task] = rng.choice((0.001, 0.02, 0.1, 1.0)) * (0.5 + rng.random())
            if direct:
                self._direct.update(tasks)
            elif rng.random() < 0.03:
                self._deadly.update(tasks)

        client.do(submit)

    def _befall(self, what: str, rng: Random) -> None:
        match what:
            case "kill engine" if engines := self.engines():
                self.kill_engine(rng.choice(engines).id)
            case "stop":
                processes = self._processes()
                rng.choice(processes).stop(rng.choice((0.1, 1.0, 10.0)))
            case "cut":
                links = [link for process in self._processes() for link in process.links]
                if links:
                    rng.choice(links).cut()
            case "kill host" if len(self.hosts) > 1:
                self._kill_host(rng.choice(self.hosts[1:]))
            case "kill controller":
                self._kill_controller(rng)
            case "kill client" if len(self.clients) > 1:
                client = self.clients.pop(rng.randrange(2))
                client.kill()
                self.heir.do(partial(self.heir.attach, list(self._left_of(client))))

    def _kill_host(self, host: Host) -> None:
        for engine in host.engines:
            self.account.died(engine)
        host.kill()
        self.hosts.remove(host)

    def _kill_controller(self, rng: Random) -> None:
        """Kill it, and have another one go on a little later with what it has written down, or without that."""
        if self.controller is None or not self.controller.alive:
            return
        self._life += 1
        written = Restored(self._life) if rng.random() < 0.1 else self.controller.written_down(self._life)
        self.controller.kill()

        def go_on() -> None:
            self.world.note(f"controller {self._life} is started")
            self.controller = Controller(self.world, self, written)

        self.world.later(rng.uniform(0.1, 2.0), go_on)

    def _left_of(self, client: Client) -> list[TaskId]:
        """Return the tasks of a client whose results it does not have."""
        return [task for task in self._seconds if task[:16] == client.session and task not in client.results]

    def _processes(self) -> list[Process]:
        assert self.controller is not None
        return [self.controller, *self.hosts, *self.clients, *self.engines()]

    @property
    def is_over(self) -> bool:
        return self.world.now > LASTS + 1 and not any(client.submits for client in self.clients)

    def tell(self) -> None:
        """Let it all happen, and check what has come of it."""
        self.world.run(PATIENCE, lambda: self.is_over)
        self.check_ends()
        self.world.run(self.world.now + 200.0, lambda: False)
        self.check_rest()

    def check_ends(self) -> None:
        """Every future has ended, as it may."""
        for client in self.clients:
            for number in range(1, client.last + 1):
                task = TaskId(client.session + number.to_bytes(8))
                self.account.check_end(task, client.results.get(task), direct=task in self._direct)

    def check_rest(self) -> None:
        """Nothing is left in the core's tables, nor in the engines."""
        assert self.controller is not None
        state = self.controller.state
        state.check()
        for session in state.sessions.values():
            tables = ("tasks", "results", "outputs", "unsent", "returns", "calls")
            left = {name: sorted(map(str, of)) for name in tables if (of := getattr(session, name))}
            assert not left, f"left of {session.id[:2].hex()}: {left}"
        for engine in self.engines():
            assert engine.running is None, f"{engine.name} still runs something"
            assert not engine.queue, f"{engine.name} still has tasks"
            assert not engine.unacknowledged, f"{engine.name} keeps results that were delivered"
        assert not state.fetched_bytes
