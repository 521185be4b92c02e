"""The rows of the table, by the names under which they can be asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks import (
    arrays,
    bulk,
    flow,
    latency,
    lifecycle,
    loops,
    memory,
    notebook,
    rates,
    recorded,
    records,
    recovery,
    scale,
    simulated,
    trouble,
    wire,
)
from benchmarks.figures import Figure

ROWS: dict[str, Callable[[], Figure | list[Figure]]] = {
    "noop": partial(rates.noops, 10_000),
    "stores": records.noops_by_store,
    "recorded": recorded.recorded,
    "kept": recorded.at_the_limit,
    "noop100k": partial(rates.noops, 100_000),
    "awaited": loops.awaited,
    "chain": flow.chain,
    "layers": flow.layers,
    "cpu": rates.noop_cpu,
    "map": rates.maps,
    "trip": latency.lone,
    "echo": bulk.there_and_back,
    "arrays": arrays.there_and_back,
    "copies": arrays.copies,
    "wire": wire.copies_on_the_wire,
    "again": wire.sent_again,
    "pushes": latency.under_pushes,
    "all32": latency.on_all,
    "start": lifecycle.start_and_stop,
    "start100": lifecycle.start_many,
    "import": lifecycle.import_time,
    "imports": notebook.imports,
    "px": notebook.trips,
    "fold": notebook.folded,
    "displays": notebook.displays,
    "idle": memory.idle,
    "outstanding": memory.outstanding,
    "chained": memory.chained,
    "killed": lifecycle.killed_engine,
    "killed200": flow.killed_in_a_run,
    "controller_killed": recovery.controller_killed,
    "chaos20": recovery.killed_at_random,
    "fakes": scale.connections,
    "fakes1000": scale.rate_of_many,
    "simulated": simulated.ten_thousand_engines,
    "withdrawn": trouble.withdrawn,
    "healed": trouble.healed,
    "slow": trouble.beside_a_slow_client,
    "unread": trouble.unread,
    "captures": trouble.captures,
    "printed": trouble.printed,
}


def measure(row: str) -> list[Figure]:
    """Return the figures of `row`, measured in this process."""
    figures = ROWS[row]()
    return figures if isinstance(figures, list) else [figures]
