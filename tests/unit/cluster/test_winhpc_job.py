"""What is handed to Windows HPC Server, as text, and as its schema has it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from traitlets.config import Config

from engineroom.cluster.launchers.choose import options_of, spec_of
from engineroom.cluster.launchers.launcher import CONTROLLER, ENGINE, Command
from engineroom.cluster.launchers.winhpc.launcher import WindowsHPC
from engineroom.settings.catalogue import CLASSES
from engineroom.settings.launchers import WindowsHPCEngineSetLauncher, WindowsHPCLauncher
from engineroom.settings.old_names import renew


@cache
def schema() -> xmlschema.XMLSchema:
    """Return what the scheduler takes."""
    return xmlschema.XMLSchema(str(Path(__file__).with_name("winhpc_job.xsd")))


ENGINES = Command(
    role=ENGINE,
    name="engineroom-engines-test-1",
    argv=["C:\\Python 3\\python.exe", "-m", "engineroom.cli.ipengine", "--profile-dir=//share/me/profile_w"],
    n=2,
    environment={"ENGINEROOM_LAUNCH": "00/1"},
    log_file="/share/me/profile_w/log/ipengines-1.log",
    profile_dir="/share/me/profile_w",
)
THE_CONTROLLER = Command(
    role=CONTROLLER,
    name="engineroom-controller-test",
    argv=["ipcontroller", "--ip=*"],
    log_file="/share/me/profile_w/log/ipcontroller.log",
    profile_dir="/share/me/profile_w",
)

TWO_ENGINES = """\
<?xml version='1.0' encoding='utf-8'?>
<Job xmlns="http://schemas.microsoft.com/HPCS2008/scheduler/" Version="2.000" Name="engineroom-engines-test-1" \
JobType="Batch" Priority="Highest" Project="IPython" IsExclusive="false" RunUntilCanceled="false" \
AutoCalculateMin="true" AutoCalculateMax="true" UnitType="Core">
  <Dependencies />
  <Tasks>
    <Task Version="2.000" Name="engine-0" CommandLine="&quot;C:\\Python 3\\python.exe&quot; -m engineroom.cli.ipengine \
--profile-dir=//share/me/profile_w" WorkDirectory="/share/me/profile_w" \
StdOutFilePath="/share/me/profile_w/log/ipengines-1-0.out" StdErrFilePath="/share/me/profile_w/log/ipengines-1-0.err" \
IsRerunnable="true" IsParametric="false" UnitType="Core" MinCores="1" MaxCores="1">
      <EnvironmentVariables>
        <Variable>
          <Name>ENGINEROOM_LAUNCH</Name>
          <Value>00/1</Value>
        </Variable>
      </EnvironmentVariables>
    </Task>
    <Task Version="2.000" Name="engine-1" CommandLine="&quot;C:\\Python 3\\python.exe&quot; -m engineroom.cli.ipengine \
--profile-dir=//share/me/profile_w" WorkDirectory="/share/me/profile_w" \
StdOutFilePath="/share/me/profile_w/log/ipengines-1-1.out" StdErrFilePath="/share/me/profile_w/log/ipengines-1-1.err" \
IsRerunnable="true" IsParametric="false" UnitType="Core" MinCores="1" MaxCores="1">
      <EnvironmentVariables>
        <Variable>
          <Name>ENGINEROOM_LAUNCH</Name>
          <Value>00/1</Value>
        </Variable>
      </EnvironmentVariables>
    </Task>
  </Tasks>
</Job>
"""


def described(command: Command, **sections: dict[str, Any]) -> str:
    """Return the XML for `command` where a profile's file has `sections`; it is valid."""
    config = Config(sections)
    renew(config, CLASSES)
    options = options_of(spec_of("WindowsHPC", command.role, config))
    assert isinstance(options, WindowsHPCLauncher)
    text = WindowsHPC(options, {}).xml(command).decode()
    schema().validate(text.encode())
    return text


def test_two_engines_are_two_tasks() -> None:
    assert described(ENGINES) == TWO_ENGINES


def test_a_controller_is_a_job_of_one_task() -> None:
    text = described(THE_CONTROLLER)
    assert text.count("<Task ") == 1
    assert 'Name="controller" CommandLine="ipcontroller --ip=*"' in text


def test_what_is_said_of_all_jobs_holds_for_each_and_what_is_said_of_one_counts_more() -> None:
    sections = {"WinHPCJob": {"priority": "Lowest", "project": "p"}, "IPEngineSetJob": {"priority": "Normal"}}
    assert 'Priority="Normal" Project="p"' in described(ENGINES, **sections)
    assert 'Priority="Lowest" Project="p"' in described(THE_CONTROLLER, **sections)


@pytest.mark.parametrize(
    ("section", "name", "value", "text"),
    [
        ("WinHPCJob", "job_name", "mine", 'Name="mine"'),
        ("WinHPCJob", "job_type", "Service", 'JobType="Service"'),
        ("WinHPCJob", "username", "DOMAIN\\me", 'UserName="DOMAIN\\me"'),
        ("WinHPCJob", "requested_nodes", "n1,n2", 'RequestedNodes="n1,n2"'),
        ("WinHPCJob", "node_groups", "fast", 'NodeGroups="fast"'),
        ("WinHPCJob", "job_template", "Long", 'JobTemplate="Long"'),
        ("WinHPCJob", "runtime_seconds", 600, 'RuntimeSeconds="600"'),
        ("WinHPCJob", "is_exclusive", True, 'IsExclusive="true"'),
        ("WinHPCJob", "run_until_canceled", True, 'RunUntilCanceled="true"'),
        ("WinHPCTask", "task_name", "one", 'Name="one"'),
        ("WinHPCTask", "command_line", "run.cmd", 'CommandLine="run.cmd"'),
        ("WinHPCTask", "work_directory", "D:\\", 'WorkDirectory="D:\\"'),
        ("WinHPCTask", "std_out_file_path", "o.txt", 'StdOutFilePath="o.txt"'),
        ("WinHPCTask", "std_err_file_path", "e.txt", 'StdErrFilePath="e.txt"'),
        ("WinHPCTask", "is_rerunnable", False, 'IsRerunnable="false"'),
        ("WinHPCTask", "is_rerunnaable", False, 'IsRerunnable="false"'),
        ("WinHPCTask", "is_parametric", True, 'IsParametric="true"'),
        ("IPEngineTask", "environment_variables", {"A": "1"}, "<Name>A</Name>\n          <Value>1</Value>"),
    ],
)
def test_each_option_is_where_the_scheduler_reads_it(section: str, name: str, value: object, text: str) -> None:
    assert text in described(ENGINES, **{section: {name: value}})


def test_resources_are_said_in_the_unit_that_is_counted_and_of_the_job_only_if_it_is_not_to_find_them() -> None:
    task = {"unit_type": "Node", "min_nodes": 2, "max_nodes": 4, "min_cores": 9}
    assert 'UnitType="Node" MinNodes="2" MaxNodes="4">' in described(ENGINES, WinHPCTask=task)
    job = {"unit_type": "Socket", "max_sockets": 3, "auto_calculate_max": False}
    assert 'AutoCalculateMax="false" UnitType="Socket" MaxSockets="3">' in described(ENGINES, WinHPCJob=job)


def test_commands_that_were_said_of_tasks_are_those_of_the_launcher() -> None:
    config = Config({"IPEngineTask": {"engine_cmd": ["mine.exe"], "engine_args": ["--a"]}})
    options = options_of(spec_of("WindowsHPC", ENGINE, config))
    assert isinstance(options, WindowsHPCEngineSetLauncher)
    assert (options.engine_cmd, options.engine_args) == (["mine.exe"], ["--a"])
    config.WindowsHPCEngineSetLauncher.engine_args = ["--b"]
    options = options_of(spec_of("WindowsHPC", ENGINE, config))
    assert isinstance(options, WindowsHPCEngineSetLauncher)
    assert (options.engine_cmd, options.engine_args) == (["mine.exe"], ["--b"])
