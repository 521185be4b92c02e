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

PROTOCOL = (2, 5)
"""Major and minor version: peers need the same major and use the lower minor. `Hello`, `Challenge` and `Refused` keep
their form in every version, so that peers of two majors can say so."""


class EngineInfo(Header, frozen=True):
    """What people and placement want to know of an engine."""

    pid: Pid = 0
    host: Word = ""
    boot_id: Word = ""
    python: Word = ""
    cores: Cores = 0
    work_dir: PathText = ""
    problem: Text = ""
    """What went wrong in its start-up code, "" if nothing did."""
    launch: PathText = ""
    """A `launches.Launch` as text, for engines that no spawner of a host started."""
    mpi_rank: SomeEngine = -1
    mpi_size: Engines = 0
    """Its place in an MPI world; -1 and 0: it is in none."""
    pid_namespace: Word = ""
    """Where `pid` counts, "" where there is but one."""
    resources: Resources = ()
    tags: Tags = ()
    """What tasks can ask for, see `Terms`."""


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
    """The peer proves the role's key and says who it is."""

    proof: Proof
    identity: Identity
    """Its session or instance, which `secret` proves (see `identities`)."""
    epoch: KnownEpoch = b""
    """The controller it last spoke to, b"" at first."""
    window: Size = 0
    """Bytes of streams it takes unacknowledged."""
    wanted_id: SomeEngine | None = None
    """The engine id it asks for."""
    host: SomeHost = b""
    """The instance of the host that started this engine."""
    info: EngineInfo = EngineInfo()
    wall: WallTime = 0.0
    tunnel: Word = ""
    """The ssh server that it came through."""
    secret: Secret = b""
    engine: Secret = b""
    """Of the role "task": the secret of the engine whose tasks speak."""
    withdraw: bool = False
    """Of a client: its unfinished tasks end with it."""
    who: Who = Who()
    """A client, for people."""
    shares: bool = False
    """It can have payloads in shared memory..."""
    carries: bool = False
    """... and, an engine, with others of its machine."""


class Welcome(Header, frozen=True, tag="welcome"):
    """The peer is in."""

    epoch: Epoch
    protocol: tuple[Version, Version]
    window: Size
    engine_id: SomeEngine = -1
    """For engines."""
    known_up_to: Number = 0
    """Every task of this session up to this number (0: none) has arrived; the client sends the later ones again."""
    wall: WallTime = 0.0
    """The controller's clock."""
    silent: Seconds = 0.0
    """Seconds without a sign of life after which the connection counts as cut, on both sides..."""
    heartbeat: Seconds = 0.0
    """... and after which a quiet connection is pinged. 0: the peer's own defaults."""
    keeps: bool = False
    """Tasks are recorded in a store that survives the controller."""
    shares: Size = 0
    """Bytes that the peer may have in shared memory, 0: none..."""
    carries: Size = 0
    """... and of payloads that an engine receives for others of its machine."""
    usual: bool = False
    """Nobody has set `shares`, so no more than a quarter of the memory that the peer may have."""
    stays: Size = 0
    """For clients: bytes of results that may stay here for further calls (`Staying`)."""


class Refused(Header, frozen=True, tag="refused"):
    """The peer is not let in, or is sent away; `reason` is for the person at the other end.

    `final`: it makes no sense to try again.
    """

    reason: Text
    final: bool = True
