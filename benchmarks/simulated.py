"""Ten thousand engines and a million tasks in virtual time: does a decision cost more among more engines?"""

from __future__ import annotations

import os

import psutil

from benchmarks.figures import Figure
from engineroom.protocol.messages import Status
from engineroom.simulate.report import microseconds
from engineroom.simulate.simulation import Plan, Simulation

FEW, ENGINES, TASKS = 10, 10_000, 1_000_000
OF_FEW = 50_000
"""Tasks of the run on few engines: enough for its decisions to be measured."""


def ten_thousand_engines() -> list[Figure]:
    """Measure what a decision costs among 10,000 engines, beside 10, and the memory that all of it takes."""
    few = Simulation(Plan(engines=FEW, tasks=OF_FEW))
    few.run()
    many = Simulation(Plan(engines=ENGINES, tasks=TASKS))
    many.run()
    good = many.ended[Status.OK]
    reference = microseconds(few)
    what = f"{ENGINES:,} engines, {TASKS:,} tasks, simulated"
    return [
        Figure(
            name=f"{what}: a decision",
            unit="us",
            value=microseconds(many),
            reference=reference,
            reference_name=f"{FEW} engines",
            reach=2 * reference,
            aim=reference,
            more=False,
        ),
        Figure(name=f"{what}: ended well", unit="tasks", value=good, reach=TASKS, aim=TASKS, more=True),
        Figure(
            name=f"{what}: memory of the simulation",
            unit="MB",
            value=psutil.Process(os.getpid()).memory_info().rss / 1e6,
            reach=1000,
            aim=760,
            more=False,
        ),
    ]
