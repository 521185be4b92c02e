"""The messages: typed headers, one union a direction.

On the wire a message is a msgpack array whose first element is its tag, so that a field may be added at the
end without a new protocol version. The payload of a call or a result is opaque here; `Body` says how it travels.
"""

from __future__ import annotations

from collections.abc import Iterable

from engineroom.protocol.attaching import Attach as Attach
from engineroom.protocol.attaching import Detach as Detach
from engineroom.protocol.attaching import Who as Who
from engineroom.protocol.calls import DEFAULT_OPTIONS as DEFAULT_OPTIONS
from engineroom.protocol.calls import METHODS as METHODS
from engineroom.protocol.calls import Apart as Apart
from engineroom.protocol.calls import Awaits as Awaits
from engineroom.protocol.calls import Body as Body
from engineroom.protocol.calls import Call as Call
from engineroom.protocol.calls import Condition as Condition
from engineroom.protocol.calls import Header
from engineroom.protocol.calls import Kind as Kind
from engineroom.protocol.calls import Options as Options
from engineroom.protocol.calls import Outcome as Outcome
from engineroom.protocol.calls import Part as Part
from engineroom.protocol.calls import Ran as Ran
from engineroom.protocol.calls import Shared as Shared
from engineroom.protocol.calls import Status as Status
from engineroom.protocol.calls import Stream as Stream
from engineroom.protocol.calls import Terms as Terms
from engineroom.protocol.engine_control import Coming as Coming
from engineroom.protocol.engine_control import EngineExited as EngineExited
from engineroom.protocol.engine_control import Full as Full
from engineroom.protocol.engine_control import ListNames as ListNames
from engineroom.protocol.engine_control import NamesListed as NamesListed
from engineroom.protocol.engine_control import Restart as Restart
from engineroom.protocol.engine_control import RestartProcesses as RestartProcesses
from engineroom.protocol.engine_control import Shutdown as Shutdown
from engineroom.protocol.engine_control import Signal as Signal
from engineroom.protocol.engine_control import SignalProcess as SignalProcess
from engineroom.protocol.flow import Borrowed as Borrowed
from engineroom.protocol.flow import Cancel as Cancel
from engineroom.protocol.flow import Credit as Credit
from engineroom.protocol.flow import Near as Near
from engineroom.protocol.functions import Function as Function
from engineroom.protocol.functions import HoldsPublished as HoldsPublished
from engineroom.protocol.functions import NeedFunction as NeedFunction
from engineroom.protocol.functions import Released as Released
from engineroom.protocol.inputs import ForgetInputs as ForgetInputs
from engineroom.protocol.inputs import Input as Input
from engineroom.protocol.inputs import LetGo as LetGo
from engineroom.protocol.inputs import Staying as Staying
from engineroom.protocol.inputs import Unmet as Unmet
from engineroom.protocol.joining import PROTOCOL as PROTOCOL
from engineroom.protocol.joining import Challenge as Challenge
from engineroom.protocol.joining import EngineInfo as EngineInfo
from engineroom.protocol.joining import Hello as Hello
from engineroom.protocol.joining import Join as Join
from engineroom.protocol.joining import Refused as Refused
from engineroom.protocol.joining import Welcome as Welcome
from engineroom.protocol.keeping import Forget as Forget
from engineroom.protocol.keeping import Keep as Keep
from engineroom.protocol.keeping import KeptRan as KeptRan
from engineroom.protocol.nesting import RunsWithin as RunsWithin
from engineroom.protocol.nesting import Waits as Waits
from engineroom.protocol.outputs import COMM_NAMES as COMM_NAMES
from engineroom.protocol.outputs import COMMS as COMMS
from engineroom.protocol.outputs import Display as Display
from engineroom.protocol.outputs import Displays as Displays
from engineroom.protocol.outputs import Output as Output
from engineroom.protocol.questions import Question, Reply
from engineroom.protocol.ranges import INLINE_LIMIT as INLINE_LIMIT
from engineroom.protocol.ranges import (
    EngineId,
    Instance,
    Instances,
    Number,
    Ordinal,
    Seconds,
    SomeEngine,
    SomeTask,
    Spans,
    TaskId,
    Text,
)
from engineroom.protocol.task_ranges import AttemptRanges, Ranges, TaskRanges, pieces


class Ping(Header, frozen=True, tag="ping"):
    number: Number


class Pong(Header, frozen=True, tag="pong"):
    number: Number


class Goodbye(Header, frozen=True, tag="bye"):
    """The sender leaves on purpose, and closes next."""

    reason: Text = ""


class Submit(Header, frozen=True, tag="submit"):
    """Run `call`: balanced (`to` is None) as task `task`, or on each engine of `to`, in order, as the tasks
    numbered from `task` on, one for each engine.

    `to`: the engines' instances, one after the other. A direct call is bound to processes from the moment it is made:
    it never runs in a process that was started later under the same id. `ids.NOBODY` among them: that task has ended,
    and is named for the number's sake when the others are submitted again. `within`: the task that asks for it, on the
    engine that it runs on; b"" for none.
    """

    task: TaskId
    call: Call
    to: Instances | None = None
    options: Options = DEFAULT_OPTIONS
    awaits: Awaits | None = None
    within: SomeTask = b""


class Abort(Header, frozen=True, tag="abort"):
    """Withdraw these tasks if they have not started; with `interrupt`, interrupt those that have; with `force`, end the
    engines of those that go on then.

    `again`: the client has said it before, over a connection that was lost. Who has heard it does nothing.
    """

    tasks: TaskRanges
    interrupt: bool = False
    force: bool = False
    again: bool = False


class Delivered(Header, frozen=True, tag="delivered"):
    """Results have arrived for good: all numbers up to `up_to`, and `also`.

    From a client: task numbers of its session. To an engine: `Finished.number`.
    """

    up_to: Number
    also: Ranges = ()

    @classmethod
    def of(cls, up_to: int, numbers: Iterable[int]) -> list[Delivered]:
        """Return the messages, seldom more than one, that say so of all up to `up_to`, and of `numbers`."""
        also = pieces(number for number in numbers if number > up_to)
        return [cls(up_to, ranges) for ranges in also] or [cls(up_to)]


class Sync(Header, frozen=True, tag="sync"):
    """A client that has just joined has said again all that it had to; the controller answers with `Synced`.

    `failed`: its tasks that did not end well, the last ones: a controller that was started meanwhile does not know.
    `whole`: it has named all calls that it has kept, all values that it has published and all results that stay; what
    else there is of these is over.
    """

    failed: Ranges = ()
    whole: bool = False


class Synced(Header, frozen=True, tag="synced"):
    """The controller has told a client that has just joined all that it had to: every engine, every kept result."""


class Ask(Header, frozen=True, tag="ask"):
    """A question for the controller, answered by an `Answer` with the same number."""

    number: Number
    question: Question


class Result(Header, frozen=True, tag="result"):
    """A task's end. `engine`: id of the engine that ran it last, -1 for none."""

    task: TaskId
    engine: SomeEngine
    outcome: Outcome
    body: Body = b""


class Ended(Header, frozen=True, tag="ended"):
    """These tasks ended alike, and have no payload: they were withdrawn, say, or their engine died."""

    tasks: TaskRanges
    outcome: Outcome
    engine: SomeEngine = -1


class EngineJoined(Header, frozen=True, tag="joined"):
    engine: EngineId
    instance: Instance
    info: EngineInfo


class EngineLeft(Header, frozen=True, tag="left"):
    """`cause`: in words ("killed by SIGKILL", "exit code 3", "connection lost")."""

    engine: EngineId
    instance: Instance
    cause: Text


class Notice(Header, frozen=True, tag="notice"):
    """Something that the people at a client should know: that tasks are not recorded now, say."""

    text: Text


class EngineSilent(Header, frozen=True, tag="silent"):
    """Controller to client: `engine` has not answered for `seconds`, or (`away`) has lost its connection; 0: it is
    back. `tasks`: how many tasks of this client it holds."""

    engine: EngineId
    instance: Instance
    seconds: Seconds
    tasks: Number = 0
    away: bool = False


class TasksStarted(Header, frozen=True, tag="tasks_started"):
    """These tasks run now on `engine` (only said of tasks that take a while)."""

    engine: EngineId
    tasks: TaskRanges


class SubmitAgain(Header, frozen=True, tag="again"):
    """The payloads of these tasks did not arrive: submit them once more. They keep their numbers, and have not ended.

    The `Submit` may name more tasks than are asked for, as it did the first time: only those are taken.
    """

    tasks: TaskRanges


class Answer(Header, frozen=True, tag="answer"):
    """The answer to the question with this `number`. `error`: "" or why there is no answer. `body`: of questions about
    what is recorded, see `history`."""

    number: Number
    reply: Reply | None = None
    error: Text = ""
    body: Body = b""


class Run(Header, frozen=True, tag="run"):
    """Run an attempt of a task. `direct`: ahead of balanced ones, behind earlier direct ones.
    `announce`: `Started` must be on its way before the call begins. `terms`, `inputs`: as the client said them.
    `within`: the task on whose behalf it runs, b"" for none: while that one waits, it runs in its place; a direct one
    in the place of any that waits."""

    task: TaskId
    attempt: Ordinal
    call: Call
    direct: bool = False
    announce: bool = False
    terms: Terms | None = None
    inputs: Spans = ()
    within: SomeTask = b""


class Withdraw(Header, frozen=True, tag="withdraw"):
    """Forget these attempts, unless they have started: nobody wants them any more. Those that were forgotten are
    told by `Withdrawn`, those that have started by `AlreadyStarted`; of those that have ended, nothing is said."""

    attempts: AttemptRanges


class Revoke(Header, frozen=True, tag="revoke"):
    """Give this attempt back, unless it has started."""

    task: TaskId
    attempt: Ordinal


class Interrupt(Header, frozen=True, tag="interrupt"):
    """Interrupt this attempt, if it is the one that runs."""

    task: TaskId
    attempt: Ordinal


class Held(Header, frozen=True, tag="held"):
    """Some of the attempts that an engine has when it connects; it is sent nothing before the `last` piece has come.

    `running`: one, and those in whose places it runs; `queued`: not started, in the order of its queue; `finished`:
    ended, and not acknowledged.
    """

    running: AttemptRanges = ()
    queued: AttemptRanges = ()
    finished: AttemptRanges = ()
    last: bool = True


class Started(Header, frozen=True, tag="started"):
    task: TaskId
    attempt: Ordinal


class Finished(Header, frozen=True, tag="finished"):
    """An attempt has ended. `number` counts this instance's results from 1."""

    number: Ordinal
    task: TaskId
    attempt: Ordinal
    outcome: Ran
    body: Body = b""


class Withdrawn(Header, frozen=True, tag="withdrawn"):
    """These attempts have not started and never will."""

    attempts: AttemptRanges


class Revoked(Header, frozen=True, tag="revoked"):
    """The attempt has not started and never will."""

    task: TaskId
    attempt: Ordinal


class AlreadyStarted(Header, frozen=True, tag="already"):
    """The attempt that was to be given back has started (or even ended)."""

    task: TaskId
    attempt: Ordinal


FromPeerHandshake = Hello | Join | Refused | Goodbye
FromControllerHandshake = Challenge | Welcome | Refused

_Both = Credit | Cancel | Borrowed | Ping | Pong | Goodbye
_OfClients = Submit | Function | Released | Keep | Forget | Abort | Delivered | Staying | Attach | Detach
FromClient = _Both | _OfClients | HoldsPublished | Signal | Shutdown | Restart | Sync | Ask
FromTask = _Both | Submit | Function | HoldsPublished | Released | Abort | Delivered | Staying | Sync | Ask
"""A task may not signal engines, nor end them."""
_OfEngines = EngineJoined | EngineLeft | EngineSilent
_OfTasks = Result | Ended | LetGo | Output | Display | TasksStarted | SubmitAgain
ToClient = _Both | Refused | _OfEngines | _OfTasks | NeedFunction | KeptRan | Synced | Answer | Notice
_OfAttempts = Started | Waits | Finished | Unmet | Revoked | Withdrawn | AlreadyStarted | Output | Display
FromEngine = _Both | Near | Held | HoldsPublished | _OfAttempts | NeedFunction | Full | NamesListed
ToEngine = (
    _Both
    | Near
    | Refused
    | Run
    | RunsWithin
    | Input
    | ForgetInputs
    | Function
    | Released
    | Revoke
    | Withdraw
    | Interrupt
    | Delivered
    | Shutdown
    | ListNames
)
FromHost = _Both | EngineExited | Coming | Signal | Shutdown
ToHost = _Both | Refused | EngineJoined | EngineLeft | SignalProcess | RestartProcesses | Shutdown

Message = (
    FromPeerHandshake | FromControllerHandshake | FromClient | ToClient | FromEngine | ToEngine | FromHost | ToHost
)
