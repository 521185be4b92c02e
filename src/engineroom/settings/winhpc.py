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

    unit_type = option(Enum(UNITS, "Core", help="What is counted: cores, nodes or sockets."))
    min_cores = option(Int(1, min=1, help="The least number of cores, where these are counted."))
    max_cores = option(Int(1, min=1, help="The greatest number of cores."))
    min_nodes = option(Int(1, min=1, help="The least number of nodes, where these are counted."))
    max_nodes = option(Int(1, min=1, help="The greatest number of nodes."))
    min_sockets = option(Int(1, min=1, help="The least number of sockets, where these are counted."))
    max_sockets = option(Int(1, min=1, help="The greatest number of sockets."))


class WinHPCJob(WinHPCResources):
    """A job of Windows HPC Server."""

    old_classes: ClassVar[tuple[str, ...]] = ()

    job_name = option(Unicode("", help="Its name; default: one that says what it is."))
    job_type = option(Enum(("Batch", "Admin", "Service", "Broker"), "Batch", help="Its type."))
    priority = option(
        Enum(("Lowest", "BelowNormal", "Normal", "AboveNormal", "Highest"), "Highest", help="Its priority.")
    )
    project = option(Unicode("IPython", help="The project that it belongs to, for accounting."))
    username = option(Unicode("", help="The user whose it is, as DOMAIN\\\\user; default: who submits it."))
    requested_nodes = option(Unicode("", help="Nodes that it may run on, with commas between; default: any."))
    node_groups = option(Unicode("", help="Groups of nodes that it may run on, with commas between; default: any."))
    job_template = option(Unicode("", help="The job template of the site to use; default: the scheduler's."))
    runtime_seconds = option(Int(0, min=0, help="Seconds that it may run; 0: as the template says."))
    is_exclusive = option(Bool(default_value=False, help="Whether nobody else's job may run on its nodes."))
    run_until_canceled = option(Bool(default_value=False, help="Whether it goes on when all of its tasks have ended."))
    auto_calculate_min = option(Bool(default_value=True, help="Have the scheduler find this of the tasks."))
    auto_calculate_max = option(Bool(default_value=True, help="Have the scheduler find this of the tasks."))


class IPControllerJob(WinHPCJob):
    """The job of a controller."""


class IPEngineSetJob(WinHPCJob):
    """The job of a set of engines."""


class WinHPCTask(WinHPCResources):
    """A task of a job."""

    task_name = option(Unicode("", help="Its name; default: by what it runs."))
    command_line = option(Unicode("", help="What it runs, as one line; default: made of command and arguments."))
    work_directory = option(Unicode("", help="The directory that it starts in; default: the profile."))
    std_out_file_path = option(Unicode("", help="Where its output goes; default: the profile's log directory."))
    std_err_file_path = option(Unicode("", help="Where its errors go; default: the profile's log directory."))
    environment_variables = option(Dict(help="Environment variables for it. They are not secret: anybody sees jobs."))
    is_rerunnable = option(
        Bool(default_value=True, help="Whether it may be run again when it was preempted."), old=("is_rerunnaable",)
    )
    is_parametric = option(Bool(default_value=False, help="Whether it is a sweep."))


class IPControllerTask(WinHPCTask):
    """The task of a controller."""

    controller_cmd = option(List(Unicode(), help="As WindowsHPCControllerLauncher.controller_cmd, which counts more."))
    controller_args = option(
        List(Unicode(), help="As controller_args of WindowsHPCControllerLauncher, which counts more.")
    )


class IPEngineTask(WinHPCTask):
    """The task of one engine."""

    engine_cmd = option(List(Unicode(), help="As WindowsHPCEngineSetLauncher.engine_cmd, which counts more."))
    engine_args = option(List(Unicode(), help="As WindowsHPCEngineSetLauncher.engine_args, which counts more."))


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
