"""Reaching a machine, asking it, losing it; ssh is a script of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import engineroom
from engineroom.cluster.launchers.ssh.command import place_of
from engineroom.cluster.line.messages import Answered, Failed, Notice
from engineroom.cluster.ssh.messages import Fetch, Hello, RemotePlan, RemoteReport, Resumed, greeting, line
from engineroom.cluster.ssh.near.machine import Machine, NotReached
from engineroom.errors import LaunchError
from engineroom.settings.launchers import SSHLauncher
from engineroom.trail.steps import Steps, read_steps
from tests.patience import SECONDS, comes_true

SAME = str(engineroom.__version__)
SHELL = "read -r line; echo; echo engineroom: the shell is there"


def hello(version: str = SAME) -> str:
    return f"printf %s '{greeting(Hello(version, '3.11.7', 'node1', 4711)).decode()}'; echo"


def says(*reports: RemoteReport) -> str:
    return "; ".join(f"echo '{line(report).decode().strip()}'" for report in reports)


class Story:
    """A machine, and what is heard of it."""

    def __init__(self, directory: Path, *script: str, **told: float) -> None:
        self.ssh, self.steps = directory / "ssh", directory / "steps.jsonl"
        self.ssh.write_text("#!/bin/sh\n" + "\n".join(script) + "\n")
        self.ssh.chmod(0o755)
        self.reports: list[RemoteReport] = []
        self.lost: list[tuple[str, bool]] = []
        self.notices: list[str] = []
        self.machine = Machine(
            place_of("me@node1"),
            SSHLauncher(ssh_cmd=[str(self.ssh)]),
            what="engines",
            environment={},
            steps=Steps(self.steps, "engines on node1"),
            on_report=self.reports.append,
            on_lost=lambda words, certain: self.lost.append((words, certain)),
            on_notice=self.notices.append,
            **told,
        )

    def runs(self, story: Callable[[Machine], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await asyncio.wait_for(story(self.machine), SECONDS)
            finally:
                self.machine.close("the test is over")
                self.machine.kill()
                await self.machine.ended()

        asyncio.run(whole())

    def fails(self, words: str, *, seconds: float = SECONDS) -> None:
        async def story(machine: Machine) -> None:
            with pytest.raises(NotReached, match=words):
                await machine.reach(seconds)

        self.runs(story)
        (step,) = read_steps(self.steps)
        assert not step.ok
        assert step.words.startswith("me@node1: ")


def test_another_version_is_refused_and_both_are_named(tmp_path: Path) -> None:
    story = Story(tmp_path, SHELL, hello("99.1.0"), "read -r rest")
    story.fails(f"me@node1: engineroom is version 99.1.0 there, and {SAME} here. Install the same version")


def test_a_machine_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    Story(tmp_path, "read -r line; read -r rest").fails(
        "no shell answered there within 0.3 s. Try `ssh me@node1 true`", seconds=0.3
    )


def test_a_python_that_does_not_start_is_given_up(tmp_path: Path) -> None:
    story = Story(tmp_path, SHELL, "read -r rest")

    async def tale(machine: Machine) -> None:
        for seconds in (0.5, SECONDS / 4):  # a slow machine needs longer for its shell
            with pytest.raises(NotReached) as raised:
                await machine.reach(seconds)
            if "no shell" not in str(raised.value):
                break
        assert f"Python there did not start within {seconds:g} s" in str(raised.value)

    story.runs(tale)


def test_answers_and_refusals(tmp_path: Path) -> None:
    said = says(Notice("hello"), Answered(1, "done"), Answered(2, error="no such file"))
    story = Story(
        tmp_path, SHELL, hello(), "read -r plan; read -r one; read -r two", "echo noise", said, "read -r rest"
    )

    async def tale(machine: Machine) -> None:
        await machine.reach(SECONDS)
        machine.begin(RemotePlan(door=machine.door))
        one, two = await asyncio.gather(
            machine.ask(Fetch(path="a")), machine.ask(Fetch(path="b")), return_exceptions=True
        )
        assert one == "done"
        assert str(two) == "me@node1: no such file"

    story.runs(tale)
    assert story.reports == [Notice("hello")]
    assert [step.step for step in read_steps(story.steps)] == ["reached", "interpreter", "imports"]


def test_a_host_that_ends_there_is_lost_and_nobody_waits_for_it(tmp_path: Path) -> None:
    story = Story(tmp_path, SHELL, hello(), "read -r plan; read -r one", says(Failed("the disk is full")), "exit 1")

    async def tale(machine: Machine) -> None:
        await machine.reach(SECONDS)
        machine.begin(RemotePlan(door=machine.door))
        with pytest.raises(LaunchError, match="me@node1: the disk is full"):
            await machine.ask(Fetch(path="a"))
        with pytest.raises(LaunchError, match="me@node1: the disk is full"):
            await machine.ask(Fetch(path="b"))

    story.runs(tale)
    assert story.lost == [("the disk is full", True)]


def test_a_question_that_a_cut_came_in_between_is_asked_again(tmp_path: Path) -> None:
    again = [
        SHELL,
        hello(),
        "read -r resume",
        says(Resumed()),
        "read -r one",
        says(Answered(1, "at last")),
        "read -r x",
    ]
    first = [SHELL, hello(), "read -r plan; read -r one", f"touch {tmp_path}/cut", "exit 255"]
    story = Story(tmp_path, f"if test -e {tmp_path}/cut; then", *again, "else", *first, "fi")

    async def tale(machine: Machine) -> None:
        await machine.reach(SECONDS)
        machine.begin(RemotePlan(door=machine.door))
        assert await machine.ask(Fetch(path="a")) == "at last"

    story.runs(tale)
    assert story.lost == []
    assert story.notices[-1] == "me@node1 is connected again"


def test_a_cut_that_lasts_is_a_loss_of_which_nobody_can_be_certain(tmp_path: Path) -> None:
    refused = "echo 'ssh: connect to host node1 port 22: Connection refused' >&2; exit 255"
    first = [SHELL, hello(), "read -r plan", f"touch {tmp_path}/cut", "exit 255"]
    story = Story(tmp_path, f"if test -e {tmp_path}/cut; then", refused, "else", *first, "fi")

    async def tale(machine: Machine) -> None:
        await machine.reach(SECONDS)
        machine.begin(RemotePlan(door=machine.door, lease=0.3))
        with pytest.raises(LaunchError, match=r"made again within 0\.3 s: (nothing listens on its ssh port|no shell)"):
            await machine.ask(Fetch(path="a"))

    story.runs(tale)
    assert [certain for _, certain in story.lost] == [False]


def test_an_sshd_that_hangs_up_because_of_the_crowd_is_tried_again(tmp_path: Path) -> None:
    tries = f"{tmp_path}/tries"
    hangs_up = "echo 'kex_exchange_identification: Connection closed by remote host' >&2; exit 255"
    story = Story(
        tmp_path, f"echo x >> {tries}", f"test $(wc -l < {tries}) -lt 3 && {{ {hangs_up}; }}", SHELL, hello(), "read x"
    )
    story.runs(lambda machine: machine.reach(SECONDS))
    assert [step.step for step in read_steps(story.steps)] == ["reached", "interpreter", "imports"]
    (notice,) = story.notices
    assert notice.startswith("me@node1: its sshd closed the connection (kex_exchange_identification")
    assert notice.endswith("): trying again")


def test_an_sshd_that_always_hangs_up_is_given_up(tmp_path: Path) -> None:
    hangs_up = "echo 'kex_exchange_identification: Connection closed by remote host' >&2; exit 255"
    Story(tmp_path, hangs_up, hangs_up_for=0.3).fails("its sshd closed the connection .*MaxStartups")


def test_what_is_not_reached_yet_is_left_at_once(tmp_path: Path) -> None:
    story = Story(tmp_path, f"touch {tmp_path}/asked", "exec sleep 60")

    async def tale(machine: Machine) -> None:
        reaching = asyncio.ensure_future(machine.reach(60))
        await comes_true((tmp_path / "asked").exists)
        reaching.cancel()
        machine.close("Ctrl-C")
        await asyncio.wait_for(machine.ended(), SECONDS)

    story.runs(tale)


def test_a_connection_that_ends_before_there_is_a_plan_is_known_to_be_over(tmp_path: Path) -> None:
    story = Story(tmp_path, SHELL, hello(), "exit 255")

    async def tale(machine: Machine) -> None:
        await machine.reach(SECONDS)
        await comes_true(lambda: machine.lost)
        machine.begin(RemotePlan(door=machine.door))
        with pytest.raises(LaunchError, match="me@node1: the connection ended: exit code 255"):
            await machine.ask(Fetch(path="a"))

    story.runs(tale)
    assert story.lost == []
