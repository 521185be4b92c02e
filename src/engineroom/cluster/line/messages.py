"""What a host says and is asked: one line of JSON each, to its owner and to whoever connects to its control socket."""

from __future__ import annotations

from typing import Any

import msgspec

from engineroom.trail.advice import for_cluster


class Progress(msgspec.Struct, tag="progress"):
    """So many engines of `n` are ready."""

    ready: int
    n: int


class Ready(msgspec.Struct, tag="ready"):
    """Everything runs. `missing`: words about engines that did not register in time, "" if all did."""

    engines: list[int]
    seconds: float
    missing: str = ""


class EngineDied(msgspec.Struct, tag="engine_died"):
    """An engine's process ended by itself. `engine`: its id, or what the host calls it before it has one.

    `words`: what it wrote last, "" or a few lines.
    """

    engine: int
    cause: str
    log_file: str
    registered: bool = True
    restarting: bool = False
    words: str = ""


class Failed(msgspec.Struct, tag="failed"):
    """The cluster can't start or go on, and is stopped. `code`: the exit code that says so; `advice`: "" or further
    lines, with the step of the start that failed first and what to do."""

    reason: str
    code: int = 1
    advice: str = ""


class Stopped(msgspec.Struct, tag="stopped"):
    """The cluster is stopped; nothing of it is left."""

    reason: str


class Notice(msgspec.Struct, tag="notice"):
    """Words for the person who watches."""

    words: str


class Answered(msgspec.Struct, tag="answered"):
    """The answer to the request with this number. `error`: "" or why not; `no_set`: because there is no such set."""

    number: int
    data: Any = None
    error: str = ""
    no_set: bool = False


def advised(report: Report, options: str) -> Report:
    """Return `report` with the commands in its words made to act on the cluster that `options` choose."""
    match report:
        case Notice(words=words):
            return Notice(for_cluster(words, options))
        case Ready(missing=missing):
            return msgspec.structs.replace(report, missing=for_cluster(missing, options))
        case Failed(reason=reason, code=code, advice=advice):
            return Failed(for_cluster(reason, options), code, for_cluster(advice, options))
        case Answered(error=error):
            return msgspec.structs.replace(report, error=for_cluster(error, options))
        case _:
            return report


Report = Progress | Ready | EngineDied | Failed | Stopped | Notice | Answered


class StartEngines(msgspec.Struct, tag="start_engines", kw_only=True):
    """Start `n` engines (None: as planned); answered, once they run or failed to, with the name of their set."""

    number: int = 0
    n: int | None = None
    set: str = ""


class StopEngines(msgspec.Struct, tag="stop_engines", kw_only=True):
    """Stop the engines of `set`, of all sets if ""."""

    number: int = 0
    set: str = ""


class RestartEngines(msgspec.Struct, tag="restart_engines", kw_only=True):
    """Stop the engines of `set` (all if "") and start them again with the ids that they had."""

    number: int = 0
    set: str = ""


class SignalEngines(msgspec.Struct, tag="signal_engines", kw_only=True):
    number: int = 0
    signum: int
    set: str = ""


class StopController(msgspec.Struct, tag="stop_controller", kw_only=True):
    number: int = 0


class Stop(msgspec.Struct, tag="stop", kw_only=True):
    """Stop everything; answered when nothing is left."""

    number: int = 0
    reason: str = ""


class Status(msgspec.Struct, tag="status", kw_only=True):
    """Answered with what the cluster file says, as it is now."""

    number: int = 0


Request = StartEngines | StopEngines | RestartEngines | SignalEngines | StopController | Stop | Status

_encode = msgspec.json.Encoder().encode
_requests = msgspec.json.Decoder(Request)
_reports = msgspec.json.Decoder(Report)


def line_of(words: Report | Request) -> bytes:
    """Return `words` as one line."""
    return _encode(words) + b"\n"


def read_request(line: bytes) -> Request:
    """Return the request in `line`; msgspec.MsgspecError if there is none."""
    request: Request = _requests.decode(line)
    return request


def read_report(line: bytes) -> Report:
    report: Report = _reports.decode(line)
    return report
