"""A kind of launcher of one's own, whole: what it starts has a mark in its environment."""

import os
import signal
import subprocess

import psutil
from traitlets import Unicode

from engineroom.cluster.launcher import ControllerLauncher, EngineLauncher, Kind, LaunchError, State, Status


class MarkedLauncher(EngineLauncher, ControllerLauncher):
    launcher_kind = Kind("Marked", elsewhere=False, here=True)
    mark = Unicode("plain", help="What to mark processes with.").tag(config=True)

    def start(self, command):
        if not self.mark.isalpha():
            raise LaunchError(f"{self.mark!r} is no mark")
        environment = os.environ | command.environment | {"MARK": self.mark}
        with open(command.log_file, "ab") as log:
            pids = [subprocess.Popen(command.argv, env=environment, stderr=log).pid for _ in range(command.n)]
        return {"pids": pids, "words": f"marked {self.mark}"}

    def describe(self, command):
        return f"$ env MARK={self.mark} ...   # the {command.role}, {command.n} times"

    def poll(self, handle):
        return Status(State.RUNNING) if self.alive(handle) else Status(State.ENDED, "all have ended")

    def signal(self, handle, signum):
        for process in self.alive(handle):
            process.send_signal(signum)

    def stop(self, handle):
        self.signal(handle, signal.SIGTERM)
        psutil.wait_procs(self.alive(handle), timeout=5)

    def alive(self, handle):
        return [p for p in psutil.process_iter(["status"]) if p.pid in handle["pids"] and p.info["status"] != "zombie"]
