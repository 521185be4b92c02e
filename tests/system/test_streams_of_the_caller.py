"""Clusters and clients of programs that have no streams, or strange ones: daemons, `pythonw`, programs with windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engineroom.settings.profiles import Profile
from tests.patience import SECONDS

SCRIPT = """
import os, sys, traceback
from pathlib import Path

class WritesAndFlushes:
    def write(self, text): return len(text)
    def flush(self): pass

def away():
    stream = open(os.devnull, "w")
    stream.close()
    return stream

{change}
try:
    import engineroom as er
    try:
        er.Client(cluster_id="none", timeout=0)
    except er.ConnectionFileError:
        pass
    with er.Cluster(n=1) as rc:
        rc.wait_for_engines(1, interactive=True)
        answers = [rc[0].apply_sync(lambda: 7), rc.load_balanced_view().map_sync(abs, range(-2, 0))]
        rc[0].execute("print('said')").get()
        rc[0].apply_async(os._exit, 3).wait(20)
        open_now = [os.path.basename(os.readlink(f"/proc/self/fd/{{n}}")) for n in range(3)]
    Path("result").write_text(repr(answers))
except BaseException:
    Path("result").write_text(traceback.format_exc())
"""
CHANGES = {
    "none": "sys.stdin = sys.stdout = sys.stderr = None",
    "write and flush": "sys.stdout = sys.stderr = WritesAndFlushes()",
    "closed": "sys.stdin = sys.stdout = sys.stderr = away()",
    "no descriptors": "os.closerange(0, 3); sys.stdin = sys.stdout = sys.stderr = None",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_cluster_needs_no_streams(profile: Profile, tmp_path: Path, change: str) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format(change=CHANGES[change]))
    command = [sys.executable, "script.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=2 * SECONDS, check=False)
    assert (tmp_path / "result").read_text() == "[7, [2, 1]]", ran.stderr
    assert not list(profile.pid_dir.glob("*"))


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_commands_need_no_streams(profile: Profile, closed: str) -> None:
    program = Path(sys.executable).parent / "ipcluster"
    start, stop = f"{program} start -n 1 --daemonize {closed}", f"{program} stop {closed}"
    ran = subprocess.run(["sh", "-c", f"{start} && {stop}"], capture_output=True, timeout=2 * SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    assert not list(profile.pid_dir.glob("*"))
