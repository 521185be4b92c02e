"""What is said over an ssh connection: lines of JSON, plans and requests one way, reports the other.

The first line of a remote host begins with `GREETING`, for shells say all kinds of things before it is there. After it
comes the plan, or `Resume` to a host that was started earlier, then requests.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engineroom.cluster.line.messages import (
    Answered,
    EngineDied,
    Failed,
    Notice,
    RestartEngines,
    SignalEngines,
    Stop,
    StopEngines,
    Stopped,
)
from engineroom.engine.config import GRACE

GREETING = b"engineroom-remote-host "

SILENT = 30.0
"""Seconds without a sign of life after which an owner counts as cut off."""


class Hello(msgspec.Struct):
    """Who a remote host is."""

    version: str
    python: str
    """The versions of engineroom and of Python."""
    host: str
    """The machine, as it calls itself."""
    pid: int
    """Its process."""
    address: str = ""
    """Its address that ssh came to, if known."""


class SentFile(msgspec.Struct):
    """A file that is copied."""

    path: str
    """Below the home directory there, or absolute, or with ~."""
    data: bytes
    """Its contents."""
    mode: int = 0o600
    """Its permissions."""


class EnginesPart(msgspec.Struct, kw_only=True):
    """What engines get. Times are in seconds."""

    connection_file: str
    """Contents of the connection file for engines."""
    usual: list[str] = []
    """Arguments for ipengine that count less than options there..."""
    arguments: list[str] = []
    """... and those that count more."""
    ipcluster: list[str] | None = None
    """Arguments for `ipcluster engines`, which then says what starts them; None: the remote host does."""
    own_controller: bool = True
    """The owner's cluster has a controller of its own: keys of engines are their ids, and its end is the owner's."""
    controller_at_owner: bool = False
    """The controller is on the machine that ssh came from."""
    engine_timeout: float = 60.0
    """How long all engines of a start may take to register."""
    delay: float = 0.0
    """Between the starts of two engines."""
    grace: float = GRACE
    """From asking one to end until it is killed."""
    restart_engines: bool = False
    """Start engines again that die."""


class ControllerPart(msgspec.Struct, kw_only=True):
    """What a controller gets."""

    usual: list[str] = []
    """Arguments for ipcontroller that count less than options there..."""
    arguments: list[str] = []
    """... and those that count more."""
    command: list[str] = []
    """Instead of our own controller; []: that."""
    restart: bool = False
    """Start it again if it dies."""
    timeout: float = 60.0
    """Seconds that it may take to listen, or a command of the user's own to write its connection files."""


class RemotePlan(msgspec.Struct, kw_only=True, tag="plan"):
    """What a remote host is to do."""

    door: str
    """Name under which it can be found again."""
    profile: str = ""
    profile_dir: str = ""
    """Its own profile, by name or by directory."""
    cluster_id: str = ""
    """Which cluster of that profile."""
    log_level: str = "INFO"
    """Lowest level that its processes log."""
    environment: dict[str, str] = {}
    """Variables for what it starts."""
    files: list[SentFile] = []
    """To be written before anything is started."""
    lease: float = 60.0
    """Seconds that it goes on without its owner."""
    start: str = ""
    """First step of its owner's start, as a line of the file of steps."""
    engines: EnginesPart | None = None
    """What it starts engines by, if it does."""
    controller: ControllerPart | None = None
    """What it starts a controller by, if it does."""


class Resume(msgspec.Struct, kw_only=True, tag="resume"):
    """Go on with the host that was started as `door`."""

    door: str


class StartHere(msgspec.Struct, tag="start_here", kw_only=True):
    """Start `n` engines of `set`, the first with the key `first`; answered with what is wrong, once they run."""

    number: int = 0
    n: int
    set: str
    first: int


class Fetch(msgspec.Struct, tag="fetch", kw_only=True):
    """Answered with the contents of the file at `path`, as base64."""

    number: int = 0
    path: str


class EngineState(msgspec.Struct):
    """How it is with an engine, by its key."""

    key: int
    set: str
    pid: int
    instance: bytes
    engine_id: int | None
    ready: bool


class Engines(msgspec.Struct, tag="engines"):
    """All engines that a remote host has."""

    states: list[EngineState]


class LogText(msgspec.Struct, tag="log"):
    """What was written to the log of engine `key`, or of the controller (-1). `anew`: this is the beginning of it."""

    key: int
    text: str
    anew: bool = False


class StepTaken(msgspec.Struct, tag="step"):
    """How far it came, as `trail.steps` has it."""

    step: str
    ok: bool = True
    words: str = ""


class Resumed(msgspec.Struct, tag="resumed"):
    """The owner is back with its host."""


class Listening(msgspec.Struct, tag="listening"):
    """The controller runs. `client`, `engine`: the contents of its connection files; `reuse`: it keeps them."""

    port: int
    pid: int
    client: str
    engine: str
    reuse: bool = True


ToRemote = RemotePlan | Resume
RemoteRequest = StartHere | StopEngines | RestartEngines | SignalEngines | Fetch | Stop
RemoteReport = Engines | LogText | StepTaken | Resumed | Listening | EngineDied | Notice | Failed | Stopped | Answered

_encode = msgspec.json.Encoder().encode
_plans = msgspec.json.Decoder(ToRemote)
_requests = msgspec.json.Decoder(RemoteRequest)
_reports = msgspec.json.Decoder(RemoteReport)


def line(words: ToRemote | RemoteRequest | RemoteReport) -> bytes:
    """Return `words` as one line."""
    return _encode(words) + b"\n"


def greeting(hello: Hello) -> bytes:
    """Return the line that a remote host begins with; what a shell said before may lack the end of its line."""
    return b"\n" + GREETING + _encode(hello) + b"\n"


def read_greeting(said: bytes) -> Hello | None:
    """Return the greeting in the line `said`, None if it is something else."""
    if not said.startswith(GREETING):
        return None
    return msgspec.json.decode(said[len(GREETING) :], type=Hello)


def read_plan(said: bytes) -> RemotePlan | Resume:
    plan: RemotePlan | Resume = _plans.decode(said)
    return plan


def read_remote_request(said: bytes) -> RemoteRequest:
    request: RemoteRequest = _requests.decode(said)
    return request


def read_remote_report(said: bytes) -> RemoteReport:
    report: RemoteReport = _reports.decode(said)
    return report


def number_of(request: Any) -> int:
    return int(request.number)
