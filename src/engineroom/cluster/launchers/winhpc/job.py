"""The description of a job of Windows HPC Server, as XML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from engineroom.settings.winhpc import UNITS, WinHPCJob, WinHPCResources, WinHPCTask

NAMESPACE = "http://schemas.microsoft.com/HPCS2008/scheduler/"
VERSION = "2.000"

_JOB = {
    "Name": "job_name",
    "JobType": "job_type",
    "Priority": "priority",
    "Project": "project",
    "UserName": "username",
    "RequestedNodes": "requested_nodes",
    "NodeGroups": "node_groups",
    "JobTemplate": "job_template",
    "RuntimeSeconds": "runtime_seconds",
    "IsExclusive": "is_exclusive",
    "RunUntilCanceled": "run_until_canceled",
    "AutoCalculateMin": "auto_calculate_min",
    "AutoCalculateMax": "auto_calculate_max",
}
_TASK = {
    "Name": "task_name",
    "CommandLine": "command_line",
    "WorkDirectory": "work_directory",
    "StdOutFilePath": "std_out_file_path",
    "StdErrFilePath": "std_err_file_path",
    "IsRerunnable": "is_rerunnable",
    "IsParametric": "is_parametric",
}


def job_xml(job: WinHPCJob, tasks: Iterable[WinHPCTask]) -> bytes:
    """Return the job with its tasks, as `job submit /jobfile:` reads it.

    Minimum and maximum are said only in the unit that is counted, and of the job only where the scheduler is not to
    find them from the tasks: it refuses whoever says both.
    """
    limits = [("Min", not job.auto_calculate_min), ("Max", not job.auto_calculate_max)]
    root = ET.Element(
        "Job",
        {"xmlns": NAMESPACE, "Version": VERSION, **_attributes(job, _JOB), **_resources(job, limits)},
    )
    ET.SubElement(root, "Dependencies")
    among = ET.SubElement(root, "Tasks")
    for task in tasks:
        _add_task(among, task)
    ET.indent(root)
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode").encode() + b"\n"


def _add_task(tasks: ET.Element, task: WinHPCTask) -> None:
    resources = _resources(task, [("Min", True), ("Max", True)])
    element = ET.SubElement(tasks, "Task", {"Version": VERSION, **_attributes(task, _TASK), **resources})
    if task.environment_variables:
        variables = ET.SubElement(element, "EnvironmentVariables")
        for name, value in task.environment_variables.items():
            variable = ET.SubElement(variables, "Variable")
            ET.SubElement(variable, "Name").text = name
            ET.SubElement(variable, "Value").text = str(value)


def _attributes(options: WinHPCJob | WinHPCTask, names: Mapping[str, str]) -> dict[str, str]:
    values = {attribute: getattr(options, trait) for attribute, trait in names.items()}
    return {attribute: _text(value) for attribute, value in values.items() if value or value is False}


def _resources(options: WinHPCResources, limits: Iterable[tuple[str, bool]]) -> dict[str, str]:
    unit = options.unit_type
    assert unit in UNITS
    said = {f"{limit}{unit}s": getattr(options, f"{limit.lower()}_{unit.lower()}s") for limit, says in limits if says}
    return {"UnitType": unit, **{attribute: _text(value) for attribute, value in said.items()}}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
