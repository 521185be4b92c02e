"""One other machine, reached by ssh: a remote host is started there, asked, and found again after a cut."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import secrets
import subprocess
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import msgspec

from engineroom.cluster.launchers.ssh.command import REACHED as SHELL
from engineroom.cluster.launchers.ssh.command import Place, shell_line, ssh_argv
from engineroom.cluster.launchers.ssh.complaints import Problem, problem_of
from engineroom.cluster.line.children import Child
from engineroom.cluster.line.messages import Answered, Failed, Stop
from engineroom.cluster.ssh.messages import (
    SILENT,
    Hello,
    RemotePlan,
    RemoteReport,
    RemoteRequest,
    Resume,
    Resumed,
    StepTaken,
    line,
    read_greeting,
    read_remote_report,
)
from engineroom.errors import LaunchError
from engineroom.machine.logs import last_said
from engineroom.machine.pulse import Pulse
from engineroom.settings.launchers import SSHLauncher
from engineroom.trail.steps import IMPORTS, INTERPRETER, REACHED, Steps
from engineroom.transport.dial import attempts
from engineroom.version import own_version

log = logging.getLogger(__name__)

_CUT = 255
"""ssh's own exit code; any other one is that of the host there."""

_ANSWERS_WITHIN = 10.0
"""Seconds that a host there has to answer who comes back to it."""

_HANGS_UP_FOR = 20.0
"""Seconds for which an sshd that hangs up is tried again: it may have too many connections at the moment."""


class NotReached(LaunchError):
    """The machine can't be used. `problem`: why."""

    def __init__(self, name: str, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"{name}: {problem}")


class Machine:
    """`reach` it, `begin` with a plan, `ask`; `close` ends what runs there."""

    def __init__(
        self,
        place: Place,
        options: SSHLauncher,
        *,
        what: str,
        environment: Mapping[str, str],
        steps: Steps,
        on_report: Callable[[RemoteReport], None],
        on_lost: Callable[[str, bool], None],
        on_notice: Callable[[str], None],
        hangs_up_for: float = _HANGS_UP_FOR,
    ) -> None:
        """`what`: "engines" or "controller". `on_lost(words, certain)`: it had begun, and is gone for
        good, with what ran there, or at least as far as we can see. `hangs_up_for`: seconds for which an sshd that
        hangs up is tried again."""
        self.place = place
        self.door = secrets.token_hex(8)
        self.lease = 60.0
        self._options, self._what, self._environment = options, what, environment
        self._steps, self._hangs_up_for = steps, hangs_up_for
        self._on_report, self._on_lost, self._on_notice = on_report, on_lost, on_notice
        self._child: Child | None = None
        self._shell = self._closing = self._back = False
        self.begun = False
        self.hello: Hello | None = None
        self._failed = ""
        self._numbers = count(1)
        self._pending: dict[int, tuple[RemoteRequest, asyncio.Future[Any]]] = {}
        self._pulse = Pulse()
        self._again: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def lost(self) -> bool:
        """Whether it has ended, or can't be reached any more."""
        return self._gone.is_set()

    async def reach(self, seconds: float) -> None:
        """Have a remote host wait for its plan; NotReached says why there is none."""
        try:
            await self._reach_patiently(seconds)
        except NotReached as error:
            self._gone.set()
            problem = error.problem
            self._steps.note(problem.step, ok=False, words=f"{self.name}: {problem.words}", fix=problem.fix)
            error.noted = True
            raise
        assert self.hello is not None
        self._steps.note(REACHED, words=f"{self.name} is {self.hello.host}")
        self._steps.note(INTERPRETER, words=f"Python {self.hello.python}")
        self._steps.note(IMPORTS, words=f"engineroom {self.hello.version}")

    def begin(self, plan: RemotePlan) -> None:
        """Tell it what it is to do."""
        self.begun, self.lease = True, plan.lease
        self._beating = asyncio.get_running_loop().create_task(self._beat())
        self._tell(line(plan))

    async def ask(self, request: RemoteRequest) -> Any:
        """Return the answer; LaunchError: it says no, or is gone. A cut meanwhile only delays it."""
        if self._gone.is_set() or self._closing:
            raise LaunchError(f"{self.name}: {self._failed or 'the connection has ended'}")
        request.number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[request.number] = (request, answer)
        self._tell(line(request))
        try:
            return await answer
        finally:
            self._pending.pop(request.number, None)

    def close(self, reason: str) -> None:
        """Have everything there end."""
        if self._closing:
            return
        self._closing = True
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._child is None or not self._child.running:
            self._lose("the connection was closed", certain=False)
            return
        if not self.begun or self.hello is None:
            self._child.process.terminate()  # nothing runs there yet, or it ends with its controller
            return
        self._tell(line(Stop(number=next(self._numbers), reason=reason)))
        self._child.let_go()

    async def ended(self) -> None:
        """Wait, after `close`, until it has ended."""
        if self._beating is not None:
            self._beating.cancel()
        if self._child is not None:
            await self._child.ended()

    def kill(self) -> None:
        if self._child is not None and self._child.running:
            self._child.process.kill()

    async def _reach_patiently(self, seconds: float) -> None:
        """Reach it, even if its sshd takes only some of the connections that come at once."""
        failure: NotReached | None = None
        async for number in attempts(asyncio.get_running_loop().time() + min(seconds, self._hangs_up_for)):
            try:
                return await self._reach(self._what, seconds)
            except NotReached as error:
                if not error.problem.passing or self._closing:
                    raise
                failure = error
                if not number:
                    self._on_notice(f"{self.name}: {error.problem.words}: trying again")
        assert failure is not None
        raise failure

    async def _reach(self, what: str, seconds: float) -> None:
        self._shell, self.hello, self._failed = False, None, ""
        child = self._child = Child(self._run_ssh(), f"ssh to {self.name}")
        await child.attach(self._hear, self._ended)
        child.tell(shell_line(self._options, what, self._environment, version=own_version()).rstrip(b"\n"))
        await self._pulse.until(lambda: self.hello is not None or not child.running, seconds)
        if not child.running:
            await child.ended()  # with its last words
        problem = self._problem(child, seconds)
        if problem is not None:
            self.kill()
            await child.ended()
            raise NotReached(self.name, problem)

    def _run_ssh(self) -> subprocess.Popen[bytes]:
        argv, pipe = ssh_argv(self._options, self.place), subprocess.PIPE
        try:
            return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, bufsize=0)
        except OSError as error:
            words = f"{argv[0]} can't be started here: {error.strerror or error}"
            full = error.errno in {errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM}
            fix = "See `ulimit -n` and `ulimit -u`" if full else "Install OpenSSH's client, or set ssh_cmd"
            raise NotReached(self.name, Problem(REACHED, words, fix)) from None

    def _problem(self, child: Child, seconds: float) -> Problem | None:
        version = own_version()
        if self.hello is not None:
            if _series(self.hello.version) == _series(version):
                return None
            words = f"engineroom is version {self.hello.version} there, and {version} here"
            return Problem(IMPORTS, words, "Install the same version on both machines")
        if child.running:
            where = INTERPRETER if self._shell else REACHED
            waits = "Python there did not start" if self._shell else "no shell answered there"
            return Problem(where, f"{waits} within {seconds:g} s", f"Try `ssh {self._target} true`")
        return problem_of(
            child.process.returncode,
            child.said,
            target=self._target,
            reached=self._shell,
            python=self._options.remote_python or "the one that was chosen",
            script=self._options.environment_script,
            version=version,
        )

    @property
    def _target(self) -> str:
        """What a person would type after ssh."""
        place = self.place
        host = f"{place.user}@{place.host}" if place.user else place.host
        return f"-p {place.port} {host}" if place.port else host

    def _tell(self, said: bytes) -> None:
        if self._child is not None:
            self._child.tell(said.rstrip(b"\n"))

    def _hear(self, said: bytes) -> None:
        if self.hello is None:
            self._shell = self._shell or said.strip() == SHELL
            with contextlib.suppress(msgspec.MsgspecError):
                self.hello = read_greeting(said)
            self._pulse.beat()
            return
        try:
            report = read_remote_report(said)
        except msgspec.MsgspecError:
            log.info("%s also says: %s", self.name, said.decode(errors="replace"))
            return
        if isinstance(report, Answered):
            self._answered(report)
            return
        if isinstance(report, StepTaken):
            self._steps.note(report.step, ok=report.ok, words=report.words)
        if isinstance(report, Resumed):
            self._back = True
            self._pulse.beat()
        if isinstance(report, Failed):
            self._pulse.beat()
            self._failed = report.reason
        self._on_report(report)

    def _answered(self, report: Answered) -> None:
        _, answer = self._pending.get(report.number, (None, None))
        if answer is None or answer.done():
            return
        if report.error:
            answer.set_exception(LaunchError(f"{self.name}: {report.error}"))
        else:
            answer.set_result(report.data)

    def _ended(self, child: Child) -> None:
        self._pulse.beat()
        if child is not self._child or self._again is not None:
            return
        if not self.begun:
            if self.hello is not None:  # it waited for its plan, and there may be none to tell it to for long
                self._failed = f"the connection ended: {child.end()}"
                self._gone.set()
        elif self._closing:
            self._lose("the connection was closed", certain=True)
        elif self._failed or 0 <= child.process.returncode != _CUT:
            self._lose(self._failed or f"the host there has ended: {child.end()}", certain=True)
        else:
            said = last_said(child.said) or "ssh ended"
            words = f"the ssh connection to {self.name} is cut ({said}): its engines go on, trying again"
            log.warning(words)
            self._on_notice(words)
            self._again = asyncio.get_running_loop().create_task(self._come_back())

    async def _beat(self) -> None:
        """Say that we live: should this machine go down, nothing else would tell."""
        while not self._gone.is_set():
            await asyncio.sleep(SILENT / 6)
            if self.hello is not None and self._again is None:  # else a shell might take it for its command
                self._tell(b"")

    async def _come_back(self) -> None:
        loop = asyncio.get_running_loop()
        problem = ""
        async for _ in attempts(loop.time() + self.lease):
            try:
                await self._reach("resume", self.lease)
            except NotReached as error:
                problem = str(error.problem)
                continue
            if await self._resumed():
                return
            if self._failed:
                break
        self._again = None
        words = f"the ssh connection was cut, and could not be made again within {self.lease:g} s: {problem}"
        self._lose(self._failed or words, certain=bool(self._failed))

    async def _resumed(self) -> bool:
        """Go on with the host that was started before; return whether it is there."""
        child, self._back = self._child, False
        assert child is not None
        self._tell(line(Resume(door=self.door)))
        await self._pulse.until(lambda: self._back or bool(self._failed) or not child.running, _ANSWERS_WITHIN)
        if not self._back:
            self.kill()
            return False
        self._again = None
        for request, _answer in tuple(self._pending.values()):
            self._tell(line(request))
        self._on_notice(f"{self.name} is connected again")
        return True

    def _lose(self, words: str, *, certain: bool) -> None:
        self._failed = words
        self._gone.set()
        for _, answer in self._pending.values():
            if not answer.done():
                answer.set_exception(LaunchError(f"{self.name}: {words}"))
        if not self._closing:
            self._on_lost(words, certain)


def _series(version: str) -> list[str]:
    """Return the part of a version within which remote hosts understand each other."""
    return version.split(".")[:2]
