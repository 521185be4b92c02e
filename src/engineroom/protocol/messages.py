"""The messages: typed headers, one union a direction.

On the wire a message is a msgpack array whose first element is its tag, so that a field may be added at the
end without a new protocol version. The bytes of a call or a result are opaque here. Short ones (up to
`INLINE_LIMIT`) travel in `payload`; longer ones as a stream of `size` bytes: `stream` is then its id on
this connection, chosen by the sender, never 0.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

import msgspec

from engineroom.protocol.ranges import (
    Cores,
    EngineId,
    Engines,
    Epoch,
    Fewer,
    Hash,
    Identity,
    Inline,
    Instance,
    KnownEpoch,
    Nonce,
    Number,
    Ordinal,
    OutputStream,
    PathText,
    Pid,
    Priority,
    Proof,
    Seconds,
    Signum,
    Size,
    SomeEngine,
    SomeHash,
    SomeHost,
    StreamId,
    TaskId,
    Text,
    Tries,
    Version,
    WallTime,
    Word,
)

PROTOCOL = (1, 0)
"""Major and minor version: peers need the same major and use the lower minor."""

INLINE_LIMIT = 64 * 1024
"""Payloads up to this many bytes travel inside their message, longer ones as a stream."""


class Kind(IntEnum):
    """What a call does on the engine."""

    APPLY = 0
    EXECUTE = 1
    PUSH = 2
    PULL = 3
    CLEAR = 4
    """Empty the namespace, and run the start-up code again; no payload."""


AnyKind = Annotated[int, msgspec.Meta(ge=0, le=int(max(Kind)))]

METHODS = {int(kind): kind.name.lower() for kind in Kind}
"""What people call the kinds of calls."""


class Status(IntEnum):
    """How a task ended."""

    OK = 0
    ERROR = 1
    """The call raised; the payload is the packed failure."""
    ABORTED = 2
    """It never ran, because a client withdrew it."""
    LOST = 3
    """Its engine died, or it can run nowhere; `Outcome.error` says why. No payload."""
    UNSENT = 4
    """It never ran, because the connection broke while its payload was on the way: its client submits it anew."""
    NO_ENGINE = 5
    """No engine is left, and no host is about to start one; `Outcome.error` says how the engines ended. No payload."""


AnyStatus = Annotated[int, msgspec.Meta(ge=0, le=int(max(Status)))]
RanStatus = Annotated[int, msgspec.Meta(ge=int(Status.OK), le=int(Status.ERROR))]


class _Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all messages: immutable, and not tracked by the garbage collector (they hold no cycles)."""


class Call(_Message, frozen=True):
    """What to run. `function`: 16-byte content hash of the function, b"" when the kind needs none."""

    kind: AnyKind
    function: SomeHash = b""
    payload: Inline = b""


class Options(_Message, frozen=True):
    """How a task may be treated, apart from where it runs; most tasks share the defaults.

    `engines`: the ids that a balanced task may run on, None for all. `retries`: how many exceptions are
    tried again. `rerun_lost`: run again elsewhere when the engine dies after the start, at most
    `max_engine_losses` times. Higher `priority` goes first.
    """

    engines: Annotated[tuple[EngineId, ...], Fewer] | None = None
    retries: Tries = 0
    rerun_lost: bool = True
    max_engine_losses: Tries = 3
    priority: Priority = 0
    label: Text = ""


DEFAULT_OPTIONS = Options()


class Outcome(_Message, frozen=True):
    """How an attempt ended. `started`: wall time (s since 1970, engine's clock corrected by the controller's
    offset); `seconds`: how long it ran; `error`: "" or "Name: text" for people and logs. `shadowed`: names that came
    with its function while the engine had other values under them: name, the engine's value, the other, in short."""

    status: AnyStatus
    started: WallTime
    seconds: Seconds
    error: Text = ""
    shadowed: Annotated[tuple[tuple[Text, Text, Text], ...], Fewer] = ()


class Ran(Outcome, frozen=True):
    """How an attempt ended in the words of its engine: only the controller knows of other ends."""

    status: RanStatus


class EngineInfo(_Message, frozen=True):
    """What people and placement want to know of an engine. `problem`: "" or what went wrong in its start-up code.
    `launch`: a `launches.Launch` as text, for engines that no spawner of a host started. `mpi_rank`, `mpi_size`: its
    place in an MPI world, -1 and 0 if it is in none. `pid_namespace`: where `pid` counts, "" where there is but one."""

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


Attempts = Annotated[tuple[tuple[TaskId, Ordinal], ...], Fewer]
"""Pairs of a task and one of its attempts."""


class Held(_Message, frozen=True):
    """What an engine that connects again still has. Pairs are (task, attempt)."""

    running: Attempts = ()
    queued: Attempts = ()
    finished: Attempts = ()


class Hello(_Message, frozen=True, tag="hello"):
    """First words of a peer. `role`: "client", "engine" or "host"; `nonce`: 32 random bytes."""

    role: Word
    protocol: tuple[Version, Version]
    cluster_id: Word
    nonce: Nonce


class Challenge(_Message, frozen=True, tag="challenge"):
    """The controller proves the role's key and asks the same of the peer."""

    protocol: tuple[Version, Version]
    nonce: Nonce
    proof: Proof


class Join(_Message, frozen=True, tag="join"):
    """The peer proves the role's key and says who it is.

    `identity`: its session or instance; `epoch`: the controller it last spoke to, b"" at first;
    `window`: bytes of streams it takes unacknowledged; `wanted_id`: the engine id it asks for;
    `host`: instance of the host that started this engine; `tunnel`: the ssh server that it came through.
    """

    proof: Proof
    identity: Identity
    epoch: KnownEpoch = b""
    window: Size = 0
    wanted_id: SomeEngine | None = None
    host: SomeHost = b""
    info: EngineInfo = EngineInfo()
    held: Held = Held()
    wall: WallTime = 0.0
    tunnel: Word = ""


class Welcome(_Message, frozen=True, tag="welcome"):
    """The peer is in. `engine_id`: for engines. `known_up_to`: every task of this session up to this number
    (0: none) has arrived, the client sends the later ones again. `wall`: the controller's clock. `silent`: seconds
    without a sign of life after which the connection counts as cut, on both sides; `heartbeat`: seconds after which a
    quiet connection is pinged. 0: the peer's own defaults."""

    epoch: Epoch
    protocol: tuple[Version, Version]
    window: Size
    engine_id: SomeEngine = -1
    known_up_to: Number = 0
    wall: WallTime = 0.0
    silent: Seconds = 0.0
    heartbeat: Seconds = 0.0


class Refused(_Message, frozen=True, tag="refused"):
    """The peer is not let in, or is sent away; `reason` is for the person at the other end.

    `final`: it makes no sense to try again.
    """

    reason: Text
    final: bool = True


class Credit(_Message, frozen=True, tag="credit"):
    """The far end may send `size` more bytes: of `stream`, or (stream 0) of all streams together."""

    stream: StreamId
    size: Size


class Cancel(_Message, frozen=True, tag="cancel"):
    """No more of `stream`: its sender can't go on (`reason` says why), or its receiver wants no more."""

    stream: StreamId
    reason: Text = ""


class Ping(_Message, frozen=True, tag="ping"):
    number: Number


class Pong(_Message, frozen=True, tag="pong"):
    number: Number


class Goodbye(_Message, frozen=True, tag="bye"):
    """The sender leaves on purpose, and closes next."""

    reason: Text = ""


class Submit(_Message, frozen=True, tag="submit"):
    """Run `call`: balanced (`to` is None) as task `task`, or on each engine of `to`, in order, as the tasks
    numbered from `task` on, one for each engine."""

    task: TaskId
    call: Call
    to: Annotated[tuple[EngineId, ...], Fewer] | None = None
    options: Options = DEFAULT_OPTIONS
    stream: StreamId = 0
    size: Size = 0


class Function(_Message, frozen=True, tag="function"):
    """The bytes of a function; also controller to engine. Sent before the first call that names its hash."""

    hash: Hash
    payload: Inline = b""
    stream: StreamId = 0
    size: Size = 0


class Abort(_Message, frozen=True, tag="abort"):
    """Withdraw these tasks if they have not started; with `interrupt`, interrupt those that have."""

    tasks: Annotated[tuple[TaskId, ...], Fewer]
    interrupt: bool = False


class Delivered(_Message, frozen=True, tag="delivered"):
    """Results have arrived for good: all numbers up to `up_to`, and `also`.

    From a client: task numbers of its session. To an engine: `Finished.number`.
    """

    up_to: Number
    also: Annotated[tuple[Number, ...], Fewer] = ()


class Signal(_Message, frozen=True, tag="signal"):
    """Send the signal `signum` to these engines' processes. Also host to controller, about its own engines.

    `number`: of the question that the sender's `Answer` belongs to, 0 if it wants none. A SIGINT for an engine that has
    not begun with what was sent to it interrupts the first of that when it begins.
    """

    engines: Annotated[tuple[EngineId, ...], Fewer]
    signum: Signum
    number: Number = 0


class Shutdown(_Message, frozen=True, tag="shutdown"):
    """End these engines (None: none) and, with `controller`, the controller. Also controller to engine or host, and
    host to controller, about engines alone."""

    engines: Annotated[tuple[EngineId, ...], Fewer] | None = None
    controller: bool = False
    reason: Text = ""


class Ask(_Message, frozen=True, tag="ask"):
    """A question for the controller, answered by an `Answer` with the same number.

    `what`: "queue_status", "explain", "status"; `about`: a task's msg_id, an engine id, or "".
    """

    number: Number
    what: Word
    about: Text = ""


class Result(_Message, frozen=True, tag="result"):
    """A task's end. `engine`: id of the engine that ran it last, -1 for none."""

    task: TaskId
    engine: SomeEngine
    outcome: Outcome
    payload: Inline = b""
    stream: StreamId = 0
    size: Size = 0


class Output(_Message, frozen=True, tag="output"):
    """Text that a task wrote; also engine to controller. `stream`: 1 stdout, 2 stderr. `seq` counts from 0
    for each attempt and stream. All of it comes before the attempt's end."""

    task: TaskId
    attempt: Ordinal
    stream: OutputStream
    seq: Number
    text: Text


class EngineJoined(_Message, frozen=True, tag="joined"):
    engine: EngineId
    instance: Instance
    info: EngineInfo


class EngineLeft(_Message, frozen=True, tag="left"):
    """`cause`: in words ("killed by SIGKILL", "exit code 3", "connection lost")."""

    engine: EngineId
    instance: Instance
    cause: Text


class TasksStarted(_Message, frozen=True, tag="tasks_started"):
    """These tasks run now on `engine` (only said of tasks that take a while)."""

    engine: EngineId
    tasks: Annotated[tuple[TaskId, ...], Fewer]


class NeedFunction(_Message, frozen=True, tag="need"):
    """The function with this hash is not here (any more); also engine to controller."""

    hash: Hash


class Answer(_Message, frozen=True, tag="answer"):
    """`data`: JSON text. `error`: "" or why there is no answer."""

    number: Number
    data: Text = "null"
    error: Text = ""


class Run(_Message, frozen=True, tag="run"):
    """Run an attempt of a task. `direct`: ahead of balanced ones, behind earlier direct ones.
    `announce`: `Started` must be on its way before the call begins."""

    task: TaskId
    attempt: Ordinal
    call: Call
    direct: bool = False
    announce: bool = False
    stream: StreamId = 0
    size: Size = 0


class Revoke(_Message, frozen=True, tag="revoke"):
    """Give this attempt back, unless it has started."""

    task: TaskId
    attempt: Ordinal


class Interrupt(_Message, frozen=True, tag="interrupt"):
    """Interrupt this attempt, if it is the one that runs."""

    task: TaskId
    attempt: Ordinal


class Started(_Message, frozen=True, tag="started"):
    task: TaskId
    attempt: Ordinal


class Finished(_Message, frozen=True, tag="finished"):
    """An attempt has ended. `number` counts this instance's results from 1."""

    number: Ordinal
    task: TaskId
    attempt: Ordinal
    outcome: Ran
    payload: Inline = b""
    stream: StreamId = 0
    size: Size = 0


class Revoked(_Message, frozen=True, tag="revoked"):
    """The attempt has not started and never will."""

    task: TaskId
    attempt: Ordinal


class AlreadyStarted(_Message, frozen=True, tag="already"):
    """The attempt that was to be given back has started (or even ended)."""

    task: TaskId
    attempt: Ordinal


class EngineExited(_Message, frozen=True, tag="exited"):
    """An engine's process has ended; `cause` in words.

    `own`: by its own doing (it exited, crashed or ran out of memory), not by a signal from outside or because it was
    told to. `running`: the (task, attempt) pairs that it ran then, None if the host can't tell.
    `words`: what it wrote last and where its log is, for whoever waits for those; a few lines.
    """

    instance: Instance
    cause: Text
    own: bool = False
    running: Attempts | None = None
    words: Text = ""


class Coming(_Message, frozen=True, tag="coming"):
    """Host to controller: `engines` that it has started, or is about to start, and that have not joined yet.

    `returning`: how many of them have been here before, and keep their ids. `restarts`: whether it starts engines
    again that die. Sent whenever one of these changes, ahead of the news of an engine's end.
    """

    engines: Engines = 0
    returning: Engines = 0
    restarts: bool = False


class SignalProcess(_Message, frozen=True, tag="signal_process"):
    """Controller to host: signal the process of this engine."""

    instance: Instance
    signum: Signum


FromPeerHandshake = Hello | Join | Refused | Goodbye
FromControllerHandshake = Challenge | Welcome | Refused

_Both = Credit | Cancel | Ping | Pong | Goodbye
FromClient = _Both | Submit | Function | Abort | Delivered | Signal | Shutdown | Ask
ToClient = _Both | Refused | Result | Output | EngineJoined | EngineLeft | TasksStarted | NeedFunction | Answer
FromEngine = _Both | Started | Finished | Revoked | AlreadyStarted | Output | NeedFunction
ToEngine = _Both | Refused | Run | Function | Revoke | Interrupt | Delivered | Shutdown
FromHost = _Both | EngineExited | Coming | Signal | Shutdown
ToHost = _Both | Refused | EngineJoined | EngineLeft | SignalProcess | Shutdown

Message = (
    FromPeerHandshake | FromControllerHandshake | FromClient | ToClient | FromEngine | ToEngine | FromHost | ToHost
)
