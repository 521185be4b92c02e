"""What it costs to record tasks: no-ops a second with each database, in turns, beside those with none."""

from __future__ import annotations

from statistics import median

from traitlets.config import Config

from benchmarks.clusters import cluster
from benchmarks.figures import Figure
from benchmarks.rates import submit_and_gather
from benchmarks.timing import median_rate

STORES = {"NoDB": "NoDB", "DictDB": "DictDB", "SQLite": "SQLiteDB"}
_ROUNDS = 3
_COUNT = 30_000


def rate_with(database: str) -> float:
    """Return no-ops a second through a load-balanced view of two engines, with this database."""
    config = Config({"IPController": {"db_class": database}})
    with cluster(2, config=config) as rc:
        view = rc.load_balanced_view()
        submit_and_gather(view, 2000)
        return median_rate(_COUNT, lambda: submit_and_gather(view, _COUNT), rounds=3)


def noops_by_store() -> list[Figure]:
    """Measure them in turns: the machine is not always equally fast."""
    rates: dict[str, list[float]] = {name: [] for name in STORES}
    for _ in range(_ROUNDS):
        for name, database in STORES.items():
            rates[name].append(rate_with(database))
    none = median(rates["NoDB"])
    shares = {
        name: median(each / nothing for each, nothing in zip(rates[name], rates["NoDB"], strict=True))
        for name in STORES
    }
    return [
        Figure(
            name=f"no-op rate, {name} beside NoDB",
            unit="x",
            value=shares[name],
            reach=reach,
            aim=aim,
            more=True,
            detail=f"{median(rates[name]):,.0f} tasks/s; NoDB: {none:,.0f}",
        )
        for name, reach, aim in (("DictDB", 0.9, 0.93), ("SQLite", 0.6, 0.8))
    ]
