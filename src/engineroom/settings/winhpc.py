"""The options of jobs and tasks of Windows HPC Server, by the class names that users configure.

A job holds tasks: a controller is a job with one task, a set of engines a job with a task for each engine. Whatever is
said of `WinHPCJob` holds for both jobs, and `c.IPEngineSetJob.priority` for that of the engines only.
"""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Bool, Dict, Enum, Int, List, Unicode
from traitlets.config import Config, Configurable

from engineroom.settings.option import configured, option

UNITS = ("Core", "Node", "Socket")


class WinHPCResources(Configurable):
    """What a job or a task of Windows HPC Server asks for."""

    unit_type = option(Enum(UNITS, "Core", help="Unit to count: Core, Node or Socket."))
    min_cores = option(Int(1, min=1, help="Minimum number of cores, if cores are counted."))
    max_cores = option(Int(1, min=1, help="Maximum number of cores."))
    min_nodes = option(Int(1, min=1, help="Minimum number of nodes, if nodes are counted."))
    max_nodes = option(Int(1, min=1, help="Maximum number of nodes."))
    min_sockets = option(Int(1, min=1, help="Minimum number of sockets, if sockets are counted."))
    max_sockets = option(Int(1, min=1, help="Maximum number of sockets."))


class WinHPCJob(WinHPCResources):
    """A job of Windows HPC Server."""

    old_classes: ClassVar[tuple[str, ...]] = ()

    job_name = option(Unicode("", help="Name of the job (default: by what it runs)."))
    job_type = option(Enum(("Batch", "Admin", "Service", "Broker"), "Batch", help="Type of the job."))
    priority = option(
        Enum(("Lowest", "BelowNormal", "Normal", "AboveNormal", "Highest"), "Highest", help="Priority of the job.")
    )
    project = option(Unicode("IPython", help="Project to account the job to."))
    username = option(Unicode("", help="Owner of the job, as DOMAIN\\\\user (default: who submits it)."))
    requested_nodes = option(Unicode("", help="Nodes the job may run on, separated by commas (default: any)."))
    node_groups = option(Unicode("", help="Node groups the job may run on, separated by commas (default: any)."))
    job_template = option(Unicode("", help="Site's job template to use (default: the scheduler's)."))
    runtime_seconds = option(Int(0, min=0, help="Time limit of the job, in seconds (0: as the template says)."))
    is_exclusive = option(Bool(default_value=False, help="Keep other jobs off the job's nodes."))
    run_until_canceled = option(Bool(default_value=False, help="Keep the job running after all its tasks have ended."))
    auto_calculate_min = option(Bool(default_value=True, help="Let the scheduler compute the minimum from the tasks."))
    auto_calculate_max = option(Bool(default_value=True, help="Let the scheduler compute the maximum from the tasks."))


class IPControllerJob(WinHPCJob):
    """The job of a controller."""


class IPEngineSetJob(WinHPCJob):
    """The job of a set of engines."""


class WinHPCTask(WinHPCResources):
    """A task of a job."""

    task_name = option(Unicode("", help="Name of the task (default: by what it runs)."))
    command_line = option(Unicode("", help="Command line of the task (default: its command and arguments)."))
    work_directory = option(Unicode("", help="Working directory of the task (default: the profile)."))
    std_out_file_path = option(
        Unicode("", help="File for its standard output (default: in the profile's log directory).")
    )
    std_err_file_path = option(
        Unicode("", help="File for its standard error (default: in the profile's log directory).")
    )
    environment_variables = option(
        Dict(help="Environment variables for the task. They are not secret: everyone can see jobs.")
    )
    is_rerunnable = option(
        Bool(default_value=True, help="Allow the scheduler to rerun the task after preemption."),
        old=("is_rerunnaable",),
    )
    is_parametric = option(Bool(default_value=False, help="Make the task a parametric sweep."))


class IPControllerTask(WinHPCTask):
    """The task of a controller."""

    controller_cmd = option(
        List(Unicode(), help="Like WindowsHPCControllerLauncher.controller_cmd, which overrides it.")
    )
    controller_args = option(
        List(Unicode(), help="Like WindowsHPCControllerLauncher.controller_args, which overrides it.")
    )


class IPEngineTask(WinHPCTask):
    """The task of one engine."""

    engine_cmd = option(List(Unicode(), help="Like WindowsHPCEngineSetLauncher.engine_cmd, which overrides it."))
    engine_args = option(List(Unicode(), help="Like WindowsHPCEngineSetLauncher.engine_args, which overrides it."))


WINHPC_CLASSES: tuple[type[Configurable], ...] = (
    WinHPCResources,
    WinHPCJob,
    IPControllerJob,
    IPEngineSetJob,
    WinHPCTask,
    IPControllerTask,
    IPEngineTask,
)
"""Every class of this page, parents first."""


def values_set(cls: type[Configurable], config: Config) -> dict[str, Any]:
    """Return those options of `cls` that `config` sets to something else than their default."""
    told, usual = configured(cls, config), cls()
    names = cls.class_trait_names(config=True)
    return {name: getattr(told, name) for name in names if getattr(told, name) != getattr(usual, name)}
