"""What the user of a notebook waits for, and what everybody else is spared."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from traitlets.config import Config

import engineroom as er
from benchmarks.clusters import cluster
from benchmarks.figures import Figure
from benchmarks.timing import percentile, round_trips, seconds
from benchmarks.work import noop

MB = 1_000_000
SAMPLES = 200
ROUNDS = 5
Cell = Callable[[str], Any]

_APART = """
import sys
import engineroom
if len(sys.argv) > 1:
    with engineroom.Cluster.from_file(cluster_file=sys.argv[1]).connect_client_sync() as rc:
        rc[:].apply_sync(abs, 1)
found = [name for name in sys.modules if name.split(".")[0] in {"IPython", "ipywidgets"}
         or name.startswith("engineroom.magics")]
print(len(found))
"""


def imports() -> Figure:
    """Measure how many modules of IPython and of magics a program loads that is outside IPython."""
    with cluster(1) as rc:
        rc[:].apply_sync(noop)
        runs = [[], [str(rc.cluster.cluster_file)]] if rc.cluster is not None else [[]]
        counts = [_count(arguments) for arguments in runs]
    return Figure(
        name="modules of IPython or magics loaded outside IPython",
        unit="modules",
        value=max(counts),
        reach=0,
        aim=0,
        more=False,
        detail=f"import engineroom, then a client: {counts}",
    )


@contextmanager
def _typed(engines: int, config: Config | None = None) -> Iterator[tuple[Cell, er.Client]]:
    """Yield what runs a cell in an IPython of this process and returns what that shows, and the client there."""
    from IPython.core.interactiveshell import InteractiveShell  # other rows are measured outside IPython
    from IPython.utils.capture import capture_output

    shell: Any = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))

    def run(cell: str) -> Any:
        with capture_output() as shown:
            result = shell.run_cell(cell, store_history=True)
        result.raise_error()
        return shown

    try:
        with cluster(engines, config=config) as rc:
            rc.activate()
            shell.user_ns["rc"] = rc
            run("%px import time")
            yield run, rc
    finally:
        InteractiveShell.clear_instance()


def trips() -> Figure:
    """Measure how long the shortest cell takes."""
    with _typed(4) as (run, _):
        times = round_trips(lambda: run("%px pass"), SAMPLES)
    return Figure(
        name="`%px pass` on 4 engines, p50",
        unit="ms",
        value=percentile(times, 50),
        reach=15,
        aim=5,
        more=False,
        detail=f"p99 {percentile(times, 99):.2f} ms",
    )


def folded() -> Figure:
    """Measure how long it takes from the end of 32 cells until what they printed, 1 MB each, is shown folded."""
    line, times = "all engines print this line, and all of them the same one\\n", []
    printing = f"%%px\nprint('{line}' * {MB // (len(line) - 1)})\nended = time.time()"
    with _typed(32, Config({"IPEngine": {"max_output_bytes": 2 * MB}})) as (run, rc):
        for _ in range(ROUNDS):
            shown = run(printing)
            now = time.time()
            times.append(now - max(rc[:]["ended"]))
            assert 0.9 * MB < len(shown.stdout) < 2 * MB, f"{len(shown.stdout)} characters are shown"
    return Figure(
        name="1 MB printed by each of 32 engines, shown folded",
        unit="s",
        value=statistics.median(times),
        reach=1,
        aim=0.3,
        more=False,
    )


def displays() -> Figure:
    """Measure how long a display of 10 MB from each of 4 engines takes."""
    shows = "%%px\ndisplay({'image/png': picture, 'text/plain': 'a picture'}, raw=True)"
    with _typed(4) as (run, _):
        run(f"%px import base64, os; picture = base64.b64encode(os.urandom({10 * MB * 3 // 4})).decode()")
        assert [len(each.data["image/png"]) for each in run(shows).outputs] == [10 * MB] * 4
        times = [seconds(lambda: run(shows)) for _ in range(ROUNDS)]
    return Figure(
        name="a display of 10 MB from each of 4 engines",
        unit="s",
        value=statistics.median(times),
        reach=2,
        aim=1,
        more=False,
    )


def _count(arguments: list[str]) -> int:
    command = [sys.executable, "-c", _APART, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
