"""Messages of clients that attach to calls of other clients."""

from __future__ import annotations

from typing import Annotated

from engineroom.protocol.calls import AnyKind, Header
from engineroom.protocol.ranges import Few, Fewer, Identity, Number, Pid, Seconds, SomeEngine, SomeTask, TaskId, Word
from engineroom.protocol.task_ranges import Range

FewRanges = Annotated[tuple[Range, ...], Few]


class Who(Header, frozen=True):
    """What a client says of itself, for people. `program`: what runs it, such as "analysis.py" or a notebook."""

    user: Word = ""
    host: Word = ""
    pid: Pid = 0
    program: Word = ""


class Attach(Header, frozen=True, tag="attach"):
    """Tell this client all that a call of another one has written so far, how its tasks ended, and what comes.

    `task`: one of its tasks; b"" for the last call of others. `alone`: only this task of the call is wanted.
    Answered by an `Answer` to question `number` with `Attached`, ahead of all else.
    """

    number: Number
    task: SomeTask = b""
    alone: bool = False


class Detach(Header, frozen=True, tag="detach"):
    """The client wants to hear no more of a call, the one that `Attached.call` names."""

    call: TaskId


class Attached(Header, frozen=True, tag="attached"):
    """The call that a client has attached to, whose name is `call`.

    `tasks`: the wanted ones, consecutive from `first` on in the session of `call`, with the engine of each, -1 where
    that is not known. `direct`: they are bound to these engines. `kind`: None where that is not known any more.
    `of_map`: the first and the last number of the map's tasks, if the call is a part of one.
    """

    call: TaskId
    first: Number
    engines: Annotated[tuple[SomeEngine, ...], Fewer]
    direct: bool = False
    kind: AnyKind | None = None
    label: Word = ""
    of_map: tuple[Number, Number] | None = None


class AskSessions(Header, frozen=True, tag="sessions"):
    """Which clients are gone, and what is here of them?"""


class AboutSession(Header, frozen=True):
    """A client that is gone. `since`: seconds since it went; `left`: until what is here of it is deleted, as far as
    that has ended; `results`: how many of its results are here, `running`: how many of its tasks have not ended;
    `tasks`: the first of all these, and `last` the last of them."""

    session: Identity
    who: Who
    since: Seconds
    left: Seconds
    results: Number
    running: Number
    last: TaskId
    tasks: FewRanges = ()


class Sessions(Header, frozen=True, tag="sessions"):
    """The clients of which something is here, the one that went last first; the first of them only."""

    sessions: Annotated[tuple[AboutSession, ...], Fewer] = ()
