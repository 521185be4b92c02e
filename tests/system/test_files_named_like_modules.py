"""Files of the user's that are called like modules of Python, or of what engineroom stands on: nobody takes them for
those."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command

NAMES = (
    "argparse ast asyncio base64 bisect calendar code collections contextlib copy csv dataclasses datetime decimal dis "
    "email enum functools gettext glob hashlib heapq html importlib inspect io ipaddress json keyword linecache locale "
    "logging mmap msvcrt numbers operator pathlib pdb pickle pkgutil platform pprint queue random re resource secrets "
    "select selectors shlex shutil signal socket sqlite3 ssl stat statistics string struct subprocess tempfile "
    "textwrap threading timeit token tokenize traceback types typing urllib uuid warnings weakref xml zipfile "
    "cloudpickle decorator jedi msgspec numpy pexpect psutil pygments rich setproctitle six traitlets uvloop"
)

SCRIPT = """
import engineroom as er

async def later():
    import asyncio
    await asyncio.sleep(0)
    return 5

def by_a_library():
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(abs, -6).result()

def own(name):
    return __import__(name).whose

if __name__ == "__main__":
    with er.Cluster(n=1) as rc:
        rc[0].execute("import os\\nb = 3 * 7\\n%time b + 1").get()
        balanced = rc.load_balanced_view()
        print([
            rc[0]["b"], rc[0].apply_sync(later), rc[0].apply_sync(by_a_library), balanced.map_sync(abs, [-1, -2]),
            [rc[0].apply_sync(own, name) for name in ("statistics", "mine", "turtle")],
        ])
"""


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """Return a directory in which hardly a name means what Python means by it."""
    directory = tmp_path / "crowded"
    directory.mkdir()
    for name in [*NAMES.split(), "mine", "turtle"]:
        (directory / f"{name}.py").write_text("whose = 'the user'\n")
    return directory


@pytest.mark.usefixtures("profile")
def test_a_script_among_them_runs_and_finds_its_own(crowded: Path) -> None:
    (crowded / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py"]
    ran = subprocess.run(command, cwd=crowded, capture_output=True, text=True, timeout=2 * SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ast.literal_eval(ran.stdout) == [21, 5, 6, [1, 2], ["the user"] * 3]


def test_commands_started_among_them_do_their_work(
    profile: Profile, crowded: Path, command: Callable[..., Command]
) -> None:
    controller = command("ipcontroller", cwd=crowded).says("ready")
    engine = command("ipengine", cwd=crowded)
    with Client(profile_dir=profile.path, timeout=SECONDS) as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        rc[0].execute("import os; here = os.getcwd()").get()
        assert rc[0]["here"] == os.fspath(crowded)
        assert rc[0].apply_sync(lambda: __import__("turtle").whose) == "the user"
        rc.shutdown(hub=True)
    assert (controller.ends(), engine.ends()) == (0, 0)
    command("ipcluster", "start", "-n", "1", "--daemonize", cwd=crowded).succeeds()
    command("ipcluster", "stop", cwd=crowded).succeeds()
