"""What the user of a notebook waits for, and what everybody else is spared."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.clusters import cluster
from benchmarks.figures import Figure
from benchmarks.work import noop

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


def _count(arguments: list[str]) -> int:
    command = [sys.executable, "-c", _APART, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
