"""What a person sees of a cluster: a progress line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from engineroom.cluster.line.messages import EngineDied, Failed, Notice, Progress, Ready, Report, Stopped
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.machine.standard_streams import UNUSABLE, drop, moves, say_to, write
from engineroom.protocol.texts import last_output


class Console:
    """Prints reports as they come."""

    def __init__(self, plan: HostPlan, *, background: bool = False, stream: TextIO | None = None) -> None:
        self._plan, self._background = plan, background
        self._stream = sys.stdout if stream is None else stream
        self._live = moves(self._stream)
        self._open_line = False
        self.ready = False
        self.failed: Failed | None = None

    def __call__(self, report: Report) -> None:
        match report:
            case Progress():
                self._progress(report)
            case Ready():
                self.ready = True
                self._say(*self._what_next(report))
            case EngineDied():
                self._say(_words_of_death(report))
            case Notice(words=words):
                self._say(words)
            case Failed():
                self.failed = report
                self._finish_line()
            case Stopped(reason=reason):
                self._say(f"stopped{f': {reason}' if reason else ''}")
            case _:
                pass  # answers are for those who asked

    def _progress(self, progress: Progress) -> None:
        if self.ready:
            return
        if self._live:
            width = shutil.get_terminal_size().columns - 1  # a column more, and the next one could not begin there
            self._write(f"\r{f'starting: {progress.ready} of {progress.n} engines are ready'[:width]}")
            self._open_line = True
        elif not progress.ready:
            self._say(f"starting {progress.n} engine{'s' if progress.n != 1 else ''}")

    def _what_next(self, ready: Ready) -> list[str]:
        plan = self._plan
        count = len(ready.engines)
        lines = [f"{count} engine{'s are' if count != 1 else ' is'} ready ({ready.seconds:.1f} s)"]
        if ready.missing:
            lines.append(f"but {ready.missing}")
        stop = f"ipcluster stop {plan.profile.options(plan.cluster_id)}".rstrip()
        if plan.controller is not None:
            arguments = plan.profile.arguments(plan.cluster_id)
            lines.append(f"  use it in Python:  import engineroom; rc = engineroom.Client({arguments})")
            lines.append(f"  stop it:           {stop if self._background else f'Ctrl-C here, or {stop}'}")
        elif not self._background:
            lines.append("  stop them:         Ctrl-C here")
        return lines

    def _say(self, *lines: str) -> None:
        self._finish_line()
        say_to(self._stream, *lines)

    def _finish_line(self) -> None:
        if self._open_line:
            self._open_line = False
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            write(self._stream, text)
        except UNUSABLE as error:  # the terminal is gone
            drop(self._stream, error)


def _words_of_death(death: EngineDied) -> str:
    what = f"engine {death.engine} {'died' if death.registered else 'did not register'}: {death.cause}"
    more = f"{what}; it is started again" if death.restarting else f"{what} (log: {death.log_file})"
    return f"{more}. {last_output(death.words)}" if death.words else more
