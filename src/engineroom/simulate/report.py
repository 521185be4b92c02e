"""What a simulation has shown, in a few lines."""

from __future__ import annotations

from engineroom.protocol.messages import Status
from engineroom.simulate.simulation import Simulation


def microseconds(simulation: Simulation) -> float:
    """Return the CPU time per decision, in microseconds."""
    return simulation.spent / simulation.decisions * 1e6


def report(simulation: Simulation) -> str:
    """Return what happened: how long it took in virtual time, how busy the engines were, what it cost."""
    plan = simulation.plan
    engines = simulation.engines()
    busy = sum(engine.busy for engine in engines)
    ended = ", ".join(f"{number:,} {Status(status).name}" for status, number in sorted(simulation.ended.items()))
    lost = sum(not engine.alive for engine in engines)
    lines = [
        f"{plan.engines:,} engines, {plan.tasks:,} tasks of {plan.seconds * 1000:g} ms, policy {plan.policy}",
        f"  ended        {ended}",
        f"  makespan     {simulation.now:.3f} s (virtual)",
        f"  utilisation  {busy / (simulation.now * plan.engines):.1%}",
        f"  taken back   {simulation.revokes:,} times asked",
        f"  engines lost {lost}",
        *([f"  streams cut  {simulation.clients.lost_bodies:,}"] if plan.large else []),
        *([f"  lies         {simulation.refused:,} times sent away"] if plan.lies else []),
        *([f"  stopped      {simulation.stopped}"] if simulation.stopped else []),
        f"  decisions    {simulation.decisions:,} at {microseconds(simulation):.2f} us each (CPU time)",
    ]
    return "\n".join(lines)
