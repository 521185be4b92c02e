"""What engines and clients of other machines need, or have: how often it crosses the network."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import engineroom as er
from benchmarks.array_work import ones
from benchmarks.clusters import cluster
from benchmarks.far_peers import cable_to
from benchmarks.figures import CannotMeasureError, Figure
from tests.real.hosts import Hosts
from tests.system.proxy import through

SIZE = 64 * 2**20
MACHINES = ("one", "two", "three")
EACH = 4
CALLS = 10
_BIN = Path(sys.executable).parent
_QUIET = 0.5
"""Seconds without bytes after which nothing is under way."""


@contextmanager
def machines() -> Iterator[Hosts]:
    """Yield machines, as far as a network can tell. CannotMeasureError: they can't be made here."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise CannotMeasureError("machines in network namespaces need root, and the command ip")
    hosts = Hosts()
    try:
        hosts.start(*MACHINES)
        yield hosts
    finally:
        hosts.stop()


def _carried(hosts: Hosts) -> int:
    """Return how many bytes the switch has sent to all machines, once nothing more comes."""
    files = [Path(f"/sys/class/net/{hosts.prefix}v-{name}/statistics/tx_bytes") for name in MACHINES]
    before, now = -1, sum(int(file.read_text()) for file in files)
    while now - before > 100_000:
        time.sleep(_QUIET)
        before, now = now, sum(int(file.read_text()) for file in files)
    return now


def copies_on_the_wire() -> Figure:
    """Measure how often an array goes over the network that is pushed to 12 engines on 3 machines."""
    data = np.random.default_rng(1).integers(0, 255, SIZE, dtype=np.uint8)
    with tempfile.TemporaryDirectory(prefix="er-bench-") as home, machines() as hosts:
        profile = f"--profile-dir={home}"
        here = f"{hosts.network}.1"
        hosts.run_here(str(_BIN / "ipcontroller"), profile, "--ip=*", f"--location={here}", "--nodb")
        for name in MACHINES:
            for _ in range(EACH):
                hosts.run(name, "env", "ENGINEROOM_TRANSPORT=tls", str(_BIN / "ipengine"), profile)
        with er.Client(profile_dir=home, timeout=60) as rc:
            rc.wait_for_engines(len(MACHINES) * EACH, timeout=60)
            before = _carried(hosts)
            rc[:].push({"shared": data}, block=True)
            copies = (_carried(hosts) - before) / SIZE
    return Figure(
        name=f"{SIZE >> 20} MiB to {EACH * len(MACHINES)} engines on {len(MACHINES)} machines: bytes on the wire",
        unit="copies",
        value=copies,
        reach=3.2,
        aim=3.1,
        more=False,
        reference=float(EACH * len(MACHINES)),
        reference_name="one for each engine",
    )


def sent_again() -> Figure:
    """Measure how often a client sends a result that it has waited for, and that ten calls take."""
    with cluster(2, tls=True) as here, tempfile.TemporaryDirectory(prefix="er-bench-") as home:
        source = here.cluster.client_connection_file
        with (
            cable_to(source) as cable,
            er.Client(through(cable, source, Path(home) / "client.json"), timeout=60) as rc,
        ):
            rc.wait_for_engines(2, timeout=60)
            result = rc[0].apply_async(ones, SIZE)
            result.wait()
            before = cable.carried
            calls = [rc.load_balanced_view().apply_async(len, result) for _ in range(CALLS)]
            for call in calls:
                call.get()
            sent = (cable.carried - before) / SIZE
    return Figure(
        name=f"a result of {SIZE >> 20} MiB, done and not read, taken by {CALLS} calls: sent by its client over TLS",
        unit="copies",
        value=sent,
        reach=1.0,
        aim=0.01,
        more=False,
        reference=float(CALLS),
        reference_name="one for each call",
    )
