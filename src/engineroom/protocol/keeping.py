"""What is said of calls that are kept for engines that come later."""

from __future__ import annotations

from typing import Annotated

from engineroom.protocol.calls import Call, Header
from engineroom.protocol.ranges import EngineId, Fewer, Instance, Number, Ordinal, SomeInstances, Text


class Keep(Header, frozen=True, tag="keep"):
    """Keep `call`, and run it first of all on each engine that joins; answered by an `Answer` to question `number`.

    `kept`: the client's number for it, by which a repetition is recognised. `what`: for people. `engines`: on which,
    None for all. `has`: instances, one after the other, on which the client has it run itself. With `KeptRan`, the
    controller tells how it ended on the others.
    """

    kept: Ordinal
    call: Call
    what: Text
    number: Number = 0
    engines: Annotated[tuple[EngineId, ...], Fewer] | None = None
    has: SomeInstances = b""


class Forget(Header, frozen=True, tag="forget"):
    """Keep this call no longer; 0: none of this client's."""

    kept: Number = 0


class KeptRan(Header, frozen=True, tag="kept_ran"):
    """A kept call has run on an engine. `error`: "" or what it raised; then that engine takes no balanced tasks."""

    kept: Ordinal
    engine: EngineId
    instance: Instance
    error: Text = ""
