"""What a peer and the controller say to each other until the peer is in."""

from __future__ import annotations

from engineroom.protocol.attaching import Who
from engineroom.protocol.calls import Header, Resources, Tags
from engineroom.protocol.ranges import (
    Cores,
    Engines,
    Epoch,
    Identity,
    KnownEpoch,
    Nonce,
    Number,
    PathText,
    Pid,
    Proof,
    Seconds,
    Secret,
    Size,
    SomeEngine,
    SomeHost,
    Text,
    Version,
    WallTime,
    Word,
)

PROTOCOL = (2, 4)
"""Major and minor version: peers need the same major and use the lower minor. `Hello`, `Challenge` and `Refused` keep
their form in every version, so that peers of two majors can say so."""


class EngineInfo(Header, frozen=True):
    """What people and placement want to know of an engine. `problem`: "" or what went wrong in its start-up code.
    `launch`: a `launches.Launch` as text, for engines that no spawner of a host started. `mpi_rank`, `mpi_size`: its
    place in an MPI world, -1 and 0 if it is in none. `pid_namespace`: where `pid` counts, "" where there is but one.
    `resources`, `tags`: what tasks can ask for, see `Terms`."""

    pid: Pid = 0
    host: Word = ""
    boot_id: Word = ""
    python: Word = ""
    cores: Cores = 0
    work_dir: PathText = ""
    problem: Text = ""
    launch: PathText = ""
    mpi_rank: SomeEngine = -1
    mpi_size: Engines = 0
    pid_namespace: Word = ""
    resources: Resources = ()
    tags: Tags = ()


class Hello(Header, frozen=True, tag="hello"):
    """First words of a peer. `role`: "client", "engine", "host" or "task"; `nonce`: 32 random bytes."""

    role: Word
    protocol: tuple[Version, Version]
    cluster_id: Word
    nonce: Nonce


class Challenge(Header, frozen=True, tag="challenge"):
    """The controller proves the role's key and asks the same of the peer."""

    protocol: tuple[Version, Version]
    nonce: Nonce
    proof: Proof


class Join(Header, frozen=True, tag="join"):
    """The peer proves the role's key and says who it is.

    `identity`: its session or instance, which `secret` proves (see `identities`);
    `epoch`: the controller it last spoke to, b"" at first;
    `window`: bytes of streams it takes unacknowledged; `wanted_id`: the engine id it asks for;
    `host`: instance of the host that started this engine; `tunnel`: the ssh server that it came through;
    `engine`: of the role "task", the secret of the engine whose tasks speak; `withdraw`: of a client, whether its
    unfinished tasks end with it; `who`: a client, for people; `shares`: it can have payloads in shared memory;
    `carries`: an engine, it can have them in shared memory with others of its machine.
    """

    proof: Proof
    identity: Identity
    epoch: KnownEpoch = b""
    window: Size = 0
    wanted_id: SomeEngine | None = None
    host: SomeHost = b""
    info: EngineInfo = EngineInfo()
    wall: WallTime = 0.0
    tunnel: Word = ""
    secret: Secret = b""
    engine: Secret = b""
    withdraw: bool = False
    who: Who = Who()
    shares: bool = False
    carries: bool = False


class Welcome(Header, frozen=True, tag="welcome"):
    """The peer is in. `engine_id`: for engines. `known_up_to`: every task of this session up to this number
    (0: none) has arrived, the client sends the later ones again. `wall`: the controller's clock. `silent`: seconds
    without a sign of life after which the connection counts as cut, on both sides; `heartbeat`: seconds after which a
    quiet connection is pinged. 0: the peer's own defaults. `keeps`: tasks are recorded in a store that survives the
    controller. `shares`: bytes that the peer may have in shared memory, 0: none. `carries`: the same, of payloads
    that an engine receives for others of its machine. `usual`: nobody has set `shares`, so no more than a quarter of
    the memory that the peer may have."""

    epoch: Epoch
    protocol: tuple[Version, Version]
    window: Size
    engine_id: SomeEngine = -1
    known_up_to: Number = 0
    wall: WallTime = 0.0
    silent: Seconds = 0.0
    heartbeat: Seconds = 0.0
    keeps: bool = False
    shares: Size = 0
    carries: Size = 0
    usual: bool = False


class Refused(Header, frozen=True, tag="refused"):
    """The peer is not let in, or is sent away; `reason` is for the person at the other end.

    `final`: it makes no sense to try again.
    """

    reason: Text
    final: bool = True
