"""The end of our processes: all that Python does before it is taken apart, and no more."""

from __future__ import annotations

import subprocess
import sys

from tests.patience import SECONDS

_PROGRAM = """
import atexit, sys, threading
from engineroom.machine.ending import end

class Alive:
    def __del__(self):
        print("taken apart")

alive = Alive()
go_on = threading.Event()
atexit.register(print, "exit function")
sys.stdout.write("first ")
threading.Thread(target=lambda: (go_on.wait(), print("thread"))).start()
threading.Thread(target=threading.Event().wait, daemon=True).start()
go_on.set()
end(3)
"""


def test_threads_are_waited_for_exit_functions_are_called_and_streams_are_written() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "first thread\nexit function\n", "")


def test_a_process_without_streams_ends_as_well() -> None:
    program = "import sys; sys.stdout = sys.stderr = None; from engineroom.machine.ending import end; end(259)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (3, b"")
