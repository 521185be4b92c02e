"""What a person sees."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from engineroom.cluster.commands.console import Console
from engineroom.cluster.line.messages import EngineDied, Failed, Notice, Progress, Ready, Stopped
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.controller.config import ControllerConfig
from engineroom.engine.config import EngineConfig


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostPlan:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    return HostPlan(
        profile_dir=str(tmp_path / "profile_default"),
        cluster_id="",
        engine=EngineConfig(connection_file="f"),
        controller=ControllerConfig(security_dir="s"),
        n=2,
    )


def test_plain_lines_where_nobody_watches(plan: HostPlan) -> None:
    seen = io.StringIO()
    console = Console(plan, stream=seen)
    for report in (Progress(0, 2), Progress(1, 2), Progress(2, 2), Ready([0, 1], 0.44), Stopped("SIGINT")):
        console(report)
    assert seen.getvalue().splitlines() == [
        "starting 2 engines",
        "2 engines are ready (0.4 s)",
        "  use it in Python:  import engineroom; rc = engineroom.Client()",
        "  stop it:           Ctrl-C here, or ipcluster stop",
        "stopped: SIGINT",
    ]


def test_a_terminal_has_one_line_that_moves(plan: HostPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    seen = Terminal()
    console = Console(plan, stream=seen)
    for report in (Progress(0, 2), Progress(1, 2), Notice("look")):
        console(report)
    assert seen.getvalue() == ("\rstarting: 0 of 2 engines are ready\rstarting: 1 of 2 engines are ready\r\x1b[Klook\n")


def test_a_line_that_moves_fits_a_narrow_terminal(plan: HostPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    seen = Terminal()
    console = Console(plan, stream=seen)
    for report in (Progress(0, 2), Progress(1, 2)):
        console(report)
    assert seen.getvalue() == "\rstarting: 0 of 2 en\rstarting: 1 of 2 en"


def test_a_terminal_that_cannot_has_plain_lines(plan: HostPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    seen = Terminal()
    console = Console(plan, stream=seen)
    for report in (Progress(0, 2), Progress(1, 2), Notice("look")):
        console(report)
    assert seen.getvalue() == "starting 2 engines\nlook\n"


def test_what_to_type_names_profile_and_cluster(plan: HostPlan) -> None:
    seen = io.StringIO()
    plan = msgspec.structs.replace(plan, cluster_id="x", profile_dir="/mine")
    Console(plan, background=True, stream=seen)(Ready([0], 1.0, missing="1 of 2 engines did not register"))
    assert seen.getvalue().splitlines() == [
        "1 engine is ready (1.0 s)",
        "but 1 of 2 engines did not register",
        "  use it in Python:  import engineroom; rc = engineroom.Client(profile_dir='/mine', cluster_id='x')",
        "  stop it:           ipcluster stop --profile-dir=/mine --cluster-id=x",
    ]


def test_a_death_is_told_with_its_cause(plan: HostPlan) -> None:
    seen = io.StringIO()
    console = Console(plan, stream=seen)
    console(EngineDied(3, "killed by SIGSEGV", "e.log"))
    console(EngineDied(3, "exit code 1", "e.log", restarting=True))
    console(EngineDied(4, "exit code 255", "e.log", registered=False))
    console(Failed("why"))
    assert seen.getvalue().splitlines() == [
        "engine 3 died: killed by SIGSEGV (log: e.log)",
        "engine 3 died: exit code 1; it is started again",
        "engine 4 did not register: exit code 255 (log: e.log)",
    ]
    assert console.failed == Failed("why")
