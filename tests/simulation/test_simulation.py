"""Small clusters in virtual time: everything ends, and engines are kept busy."""

from __future__ import annotations

import msgspec
import pytest

from engineroom.core.policies import POLICIES
from engineroom.protocol.messages import Status
from engineroom.simulate.__main__ import main, parse
from engineroom.simulate.report import report
from engineroom.simulate.simulation import Plan, Simulation


def play(plan: Plan) -> Simulation:
    simulation = Simulation(plan)
    simulation.run()
    simulation.state.check()
    return simulation


def utilisation(simulation: Simulation) -> float:
    busy = sum(engine.busy for engine in simulation.engines())
    return busy / (simulation.now * simulation.plan.engines)


@pytest.mark.parametrize("policy", sorted(POLICIES))
@pytest.mark.parametrize("seconds", [0.00002, 0.004, 0.5])
def test_every_policy_runs_everything(policy: str, seconds: float) -> None:
    simulation = play(Plan(engines=7, tasks=1500, seconds=seconds, policy=policy))

    assert simulation.ended == {Status.OK: 1500}


@pytest.mark.parametrize("seconds", [0.004, 0.05, 0.5])
def test_engines_are_kept_busy(seconds: float) -> None:
    assert utilisation(play(Plan(engines=10, tasks=3000, seconds=seconds))) > 0.93


def test_losses_cost_no_task() -> None:
    simulation = play(Plan(engines=20, tasks=2000, losses=10))

    assert simulation.ended == {Status.OK: 2000}
    assert "engines lost 10" in report(simulation)


@pytest.mark.parametrize(
    "plan",
    [
        Plan(engines=10, tasks=1000, cuts=20, pause=1.0),
        Plan(engines=10, tasks=1000, cuts=5, pause=70.0),
        Plan(engines=10, tasks=1000, stops=15, pause=20.0),
        Plan(engines=10, tasks=1000, stops=15, pause=30.0, unresponsive_timeout=8.0),
        Plan(engines=12, tasks=1000, hosts=4, host_losses=2, cuts=8, stops=8, losses=2, pause=15.0),
        Plan(engines=10, tasks=1000, large=0.3, client_cuts=6, pause=2.0),
        Plan(engines=10, tasks=1000, large=0.3, client_cuts=4, cuts=8, stops=4, losses=3, pause=5.0),
        Plan(engines=12, tasks=1000, hosts=3, host_cuts=9, cuts=4, pause=20.0),
        Plan(engines=12, tasks=1000, hosts=3, launched=True, host_losses=1, host_cuts=2, pause=20.0, seconds=1.0),
        Plan(engines=10, tasks=1000, lies=60, client_cuts=2, large=0.1, pause=1.0),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_to_engines_and_hosts_costs_no_task(plan: Plan, seed: int) -> None:
    simulation = play(msgspec.structs.replace(plan, seed=seed))

    assert simulation.ended == {Status.OK: 1000}


def test_streams_break_off_and_their_tasks_are_submitted_again() -> None:
    simulation = play(Plan(engines=10, tasks=1000, large=0.5, client_cuts=20, pause=0.5, large_bytes=20_000_000))

    assert simulation.ended == {Status.OK: 1000}
    assert simulation.clients.lost_bodies > 0
    assert "streams cut" in report(simulation)


def test_a_liar_is_sent_away_and_costs_nobody_else_anything() -> None:
    simulation = play(Plan(engines=10, tasks=1000, lies=60, pause=1.0))

    assert simulation.ended == {Status.OK: 1000}
    assert simulation.refused > 5


def test_a_controller_ends_when_its_host_is_away_for_longer_than_the_lease() -> None:
    simulation = play(Plan(engines=4, tasks=1000, hosts=1, host_cuts=1, pause=70.0, seconds=5.0))

    assert "has been gone for 60 s" in simulation.stopped
    assert "stopped " in report(simulation)


def test_engines_in_jobs_end_when_their_host_has_been_gone_for_the_lease() -> None:
    simulation = play(Plan(engines=9, tasks=1000, hosts=3, launched=True, host_losses=1, seconds=2.0, seed=1))

    assert simulation.ended == {Status.OK: 1000}
    assert sum(not engine.alive for engine in simulation.engines()) == 3


def test_long_tasks_are_not_left_behind_others_when_engines_fall_idle() -> None:
    simulation = play(Plan(engines=4, tasks=8, seconds=10.0, spread=0.0, latency=0.001))

    assert simulation.now == pytest.approx(20.0, abs=0.1)


def test_the_command_line_is_the_plan() -> None:
    assert parse(["--engines", "5", "--losses", "2"]) == Plan(engines=5, losses=2)


def test_the_command_says_what_a_decision_costs(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--engines", "20", "--tasks", "400", "--losses", "3", "--seconds", "0.01"])

    said = capsys.readouterr().out
    assert "20 engines, 400 tasks of 10 ms, policy leastload" in said
    assert "a decision among 20 engines costs" in said
