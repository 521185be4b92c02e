"""What a host makes of engines that a launcher started: in jobs, as ranks, in whatever way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engineroom.cluster.launchers.launcher import ENGINE, Command, Handle, Polled, State, Status
from engineroom.cluster.launchers.polling import Polling
from engineroom.cluster.line.messages import EngineDied, Notice
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.sets.launched import LaunchedEngines
from engineroom.cluster.sets.life.set_phases import may_come
from engineroom.engine.config import EngineConfig
from engineroom.errors import LaunchError
from engineroom.ids import Instance, new_instance
from engineroom.protocol.messages import Coming
from engineroom.trail.launches import VARIABLE
from tests.patience import SECONDS, turns
from tests.unit.cluster.pretended_host import PretendedHost


class Queue(Polled):
    """A launcher that starts nothing; tests say how it is with what it started."""

    def __init__(self) -> None:
        self.status = Status(State.WAITING, "Resources")
        self.problem = ""
        self.slow: asyncio.Event | None = None
        self.started: list[Command] = []
        self.asked = asyncio.Event()
        self.stopped: list[Handle] = []
        self.signalled: list[int] = []

    async def start(self, command: Command) -> Handle:
        self.started.append(command)
        self.asked.set()
        if self.slow is not None:
            await self.slow.wait()
        return {"job": len(self.started)}

    async def poll(self, handle: Handle) -> Status:
        if self.problem:
            raise LaunchError(self.problem)
        return self.status

    async def signal(self, handle: Handle, signum: int) -> None:
        if self.problem:
            raise LaunchError(self.problem)
        self.signalled.append(signum)

    async def stop(self, handle: Handle) -> None:
        self.stopped.append(handle)


class Sets:
    """Launched engines, and all that they tell."""

    def __init__(self, directory: Path, timeout: float = SECONDS) -> None:
        self.queue, self.host, self.polling = Queue(), PretendedHost(), Polling()
        self.reports, self.pulse, self.said = self.host.reports, self.host.pulse, self.host.said
        plan = HostPlan(
            profile_dir=str(directory / "profile_default"),
            cluster_id="",
            engine=EngineConfig(connection_file="f"),
            engine_timeout=timeout,
        )
        self.engines = LaunchedEngines(
            plan,
            self.host,
            self.queue,
            make_command=lambda n, name: Command(role=ENGINE, name=name, argv=["ipengine"], n=n, log_file="out.log"),
            polling=self.polling,
        )

    def join(self, engine_id: int) -> Instance:
        """Let an engine of the last set register."""
        instance = new_instance()
        self.engines.joined(instance, engine_id, self.queue.started[-1].environment[VARIABLE])
        return instance


def play(directory: Path, story: Callable[[Sets], Awaitable[None]], timeout: float = SECONDS) -> Sets:
    """Run `story` with sets, and close them."""

    async def whole() -> Sets:
        sets = Sets(directory, timeout)
        await story(sets)
        sets.engines.close()
        await sets.engines.ended()
        return sets

    return asyncio.run(asyncio.wait_for(whole(), SECONDS))


async def started(sets: Sets, n: int = 2) -> asyncio.Task[tuple[str, str]]:
    """Begin a start, and return when the launcher has been asked how it is."""
    starting = asyncio.create_task(sets.engines.start(n))
    await sets.pulse.until(lambda: bool(sets.said(Notice)))
    return starting


def test_a_start_is_over_when_all_have_registered(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets)
        sets.join(0)
        await asyncio.sleep(0)
        assert not starting.done()
        sets.join(1)
        assert await starting == ("1", "")
        assert sets.engines.handles() == {"1": {"job": 1}}

    sets = play(tmp_path, story)
    assert sets.queue.stopped == [{"job": 1}]


def test_engines_that_are_quicker_than_what_submits_them_count(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        submitted = sets.queue.slow = asyncio.Event()
        starting = asyncio.create_task(sets.engines.start(2))
        await sets.queue.asked.wait()
        gone = sets.join(0)
        sets.join(1)
        sets.engines.left(gone, "killed by SIGKILL")
        submitted.set()
        sets.join(2)
        assert await starting == ("1", "")
        assert [engine.engine_id for engine in sets.engines.engines] == [1, 2]

    play(tmp_path, story)


def test_what_is_submitted_while_the_cluster_stops_is_stopped(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        submitted = sets.queue.slow = asyncio.Event()
        starting = asyncio.create_task(sets.engines.start(2))
        await sets.queue.asked.wait()
        sets.engines.close()
        ending = asyncio.create_task(sets.engines.ended())
        await asyncio.sleep(0)
        assert not ending.done()
        submitted.set()
        with pytest.raises(LaunchError, match="the cluster is stopping"):
            await starting
        await ending
        assert sets.queue.stopped == [{"job": 1}]
        assert sets.engines.handles() == {}

    play(tmp_path, story)


def test_what_waits_in_a_queue_says_why_it_waits(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets)
        assert not starting.done()
        assert sets.said(Notice) == [Notice("waiting: Resources")]
        sets.join(0)
        sets.join(1)
        await starting

    play(tmp_path, story, timeout=0.05)


def test_who_can_not_be_asked_is_told_of_once_and_asked_again(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        sets.queue.problem = "squeue: connect failure"
        starting = await started(sets)
        for _ in range(3):
            sets.polling.look()
            await turns()
        assert sets.said(Notice) == [Notice("waiting: squeue: connect failure")]
        sets.queue.problem = ""
        sets.polling.look()
        await sets.pulse.until(lambda: len(sets.said(Notice)) == 2)
        assert sets.said(Notice)[-1] == Notice("waiting: Resources")
        sets.join(0)
        sets.join(1)
        await starting

    play(tmp_path, story)


def test_what_runs_and_does_not_register_is_late(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets)
        sets.queue.status = Status(State.RUNNING)
        sets.join(0)
        name, words = await starting
        assert name == "1"
        assert words == "1 of 2 engines did not register within 0.05 s of their start; their output: out.log"

    play(tmp_path, story, timeout=0.05)


def test_a_start_ends_as_soon_as_the_others_that_are_missing_have_ended(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets, 3)
        sets.join(0)
        sets.queue.status = Status(State.RUNNING, "job 13 failed with exit code 1", ended=1)
        sets.polling.look()
        await sets.pulse.until(lambda: len(sets.said(Notice)) == 2)
        assert not starting.done()
        sets.join(1)
        assert await starting == (
            "1",
            "1 of 3 engines did not register: job 13 failed with exit code 1; their output: out.log",
        )
        assert sets.engines.handles() == {"1": {"job": 1}}
        sets.join(2)  # what it was told was not so
        assert len(sets.engines.engines) == 3

    play(tmp_path, story, timeout=60.0)


@pytest.mark.parametrize(
    ("arrived", "present", "ended", "to_come"),
    [
        (0, 0, 0, 3),
        (2, 2, 0, 1),
        (2, 2, 1, 0),
        (2, 1, 0, 1),  # one was here, and has left
        (2, 1, 1, 1),  # and its process has ended
        (2, 1, 2, 0),
        (3, 0, 3, 0),
        (0, 0, 3, 0),
        (3, 3, 1, 0),  # the process of one has ended that has not left yet
    ],
)
def test_how_many_may_still_come(arrived: int, present: int, ended: int, to_come: int) -> None:
    assert may_come(3, arrived=arrived, present=present, ended=ended) == to_come


def test_a_job_that_ends_before_any_engine_came_fails_the_start_with_its_reason(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        sets.queue.status = Status(State.ENDED, "job 7 hit its time limit")
        with pytest.raises(LaunchError, match="2 of 2 engines did not register: job 7 hit its time limit"):
            await sets.engines.start(2)
        assert sets.engines.handles() == {}

    assert play(tmp_path, story).queue.stopped == []


def test_an_engine_that_is_lost_is_told_unless_its_set_is_stopped(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets)
        first, second = sets.join(0), sets.join(1)
        await starting
        sets.engines.left(first, "connection lost")
        assert sets.said(EngineDied) == [EngineDied(0, "connection lost", "out.log")]
        stopping = asyncio.create_task(sets.engines.stop("1"))
        await asyncio.sleep(0)
        sets.engines.left(second, "cancelled")
        await stopping
        assert len(sets.said(EngineDied)) == 1
        assert len(sets.engines.engines) == 0

    play(tmp_path, story)


def test_a_set_that_is_not_there_can_not_be_stopped(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        with pytest.raises(LaunchError, match="there is no engine set 'x'; the sets are: none"):
            await sets.engines.stop("x")

    play(tmp_path, story)


def test_who_sends_a_signal_hears_that_it_can_not_be_sent(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets)
        sets.join(0)
        sets.join(1)
        await starting
        await sets.engines.signal(2)
        assert sets.queue.signalled == [2]
        sets.queue.problem = "there are no signals"
        with pytest.raises(LaunchError, match="engine set 1 got no signal: there are no signals"):
            await sets.engines.signal(2, "1")
        with pytest.raises(LaunchError, match="there is no engine set 'x'; the sets are: 1"):
            await sets.engines.signal(2, "x")

    play(tmp_path, story)


def test_a_restart_starts_as_many_again(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets)
        sets.join(0)
        sets.join(1)
        await starting
        again = asyncio.create_task(sets.engines.restart())
        await sets.pulse.until(lambda: len(sets.said(Notice)) == 2)
        sets.join(2)
        sets.join(3)
        assert await again == ""
        assert sets.engines.handles() == {"1": {"job": 2}}

    play(tmp_path, story)


def test_an_engine_of_somebody_else_is_none_of_ours(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        sets.engines.joined(new_instance(), 5, "")
        sets.engines.joined(new_instance(), 6, "beef/1")
        assert len(sets.engines.engines) == 0

    play(tmp_path, story)


def test_what_a_launcher_raises_reaches_whoever_asked(tmp_path: Path) -> None:
    class Refused(LaunchError):
        code = 42

    async def story(sets: Sets) -> None:
        async def refuse(command: Command) -> Handle:
            raise Refused(command.name)

        sets.queue.start = refuse  # type: ignore[method-assign]
        with pytest.raises(Refused) as caught:
            await sets.engines.start(2, "a")
        assert (caught.value.code, str(caught.value)) == (42, "a")
        assert sets.engines.coming() == Coming()

    play(tmp_path, story)


def test_a_start_that_nobody_wants_any_more_ends_what_the_launcher_does(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        sets.queue.slow = asyncio.Event()
        starting = asyncio.create_task(sets.engines.start(2, "a"))
        await sets.queue.asked.wait()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert sets.engines.coming() == Coming()
        sets.queue.slow = None
        again = asyncio.create_task(sets.engines.start(1, "a"))  # the name is free
        await sets.pulse.until(lambda: bool(sets.said(Notice)))
        sets.join(0)
        assert await again == ("a", "")

    play(tmp_path, story)


def test_whoever_asks_for_a_stop_that_is_under_way_waits_for_it(tmp_path: Path) -> None:
    async def story(sets: Sets) -> None:
        starting = await started(sets, 1)
        sets.join(0)
        await starting
        await asyncio.gather(sets.engines.stop("1"), sets.engines.stop(), sets.engines.stop("1"))
        assert sets.queue.stopped == [{"job": 1}]

    play(tmp_path, story)


def test_a_stop_that_fails_is_told_and_tried_again_at_the_end(tmp_path: Path) -> None:
    async def whole() -> Sets:
        sets = Sets(tmp_path)
        starting = await started(sets, 1)
        sets.join(0)
        await starting

        async def fail(handle: Handle) -> None:
            sets.queue.stopped.append(handle)
            raise LaunchError("scancel: no")

        sets.queue.stop = fail  # type: ignore[method-assign]
        with pytest.raises(LaunchError, match="scancel: no"):
            await sets.engines.stop("1")
        assert sets.engines.handles() == {"1": {"job": 1}}
        sets.engines.close()
        with pytest.raises(LaunchError, match="scancel: no"):
            await sets.engines.ended()
        return sets

    assert asyncio.run(asyncio.wait_for(whole(), SECONDS)).queue.stopped == [{"job": 1}, {"job": 1}]
