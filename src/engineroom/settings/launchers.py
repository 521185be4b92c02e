"""The options of what starts controllers and engines, by the class names that users configure.

Each system has one class with its options (`c.PBSLauncher.queue`), and one for each of the two things that it starts
(`c.PBSEngineSetLauncher.batch_template_file`), which has them too. What they do is in `cluster/launchers/`.
"""

from __future__ import annotations

import sys
from copy import copy
from typing import ClassVar

from traitlets import Any, CaselessStrEnum, CRegExp, Dict, Float, Int, List, TraitType, Unicode, default
from traitlets.config import Configurable

from engineroom.settings.option import configured, option
from engineroom.settings.winhpc import (
    IPControllerJob,
    IPControllerTask,
    IPEngineSetJob,
    IPEngineTask,
    WinHPCJob,
    WinHPCTask,
    values_set,
)


def _options_of(cls: type) -> list[str]:
    return cls.class_trait_names(config=True) if issubclass(cls, Configurable) else []


class BaseLauncher(Configurable):
    """What all launchers have."""

    old_classes: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **more: object) -> None:
        """Let a class give an option another default by just saying so: `queue = "short"`."""
        super().__init_subclass__(**more)
        for name in {name for base in cls.__bases__ for name in _options_of(base)}.intersection(vars(cls)):
            if not isinstance(value := vars(cls)[name], TraitType):
                delattr(cls, name)
                # traitlets looks for a method of this name.
                setattr(cls, f"_{name}_default", lambda _, value=value: copy(value))

    environment = option(Dict(help="Environment variables for what is started."))
    output_limit = option(
        Int(100, min=0, help="Lines of its output that are shown when it fails; of a job, 3 at most.")
    )
    stop_timeout = option(Float(60, min=0, help="Seconds that it may take to end before that is an error."))


class ControllerLauncher(BaseLauncher):
    """What starts a controller."""

    controller_cmd = option(
        List(Unicode(), help="The command of the controller; default: this Python, with engineroom's controller.")
    )
    controller_args = option(List(Unicode(), help="Arguments for ipcontroller."))
    connection_info_timeout = option(
        Float(60, min=0, help="Seconds that a controller that runs may take to write its connection files.")
    )


class EngineLauncher(BaseLauncher):
    """What starts a set of engines."""

    engine_cmd = option(List(Unicode(), help="The command of one engine; default: this Python, with our engine."))
    engine_args = option(List(Unicode(), help="Arguments for ipengine."))


class LocalProcessLauncher(BaseLauncher):
    """What starts processes on this machine."""

    poll_seconds = option(Float(30, min=0, help="Ignored: the end of a process is known at once."))
    stop_seconds_until_kill = option(
        Float(
            None,
            allow_none=True,
            min=0,
            help="Seconds from asking a process to end until it is killed; default: 1 for engines that ipcluster "
            "forks, 5 for what other commands start.",
        )
    )


class LocalControllerLauncher(LocalProcessLauncher, ControllerLauncher):
    """A controller on this machine."""


class LocalEngineSetLauncher(LocalProcessLauncher, EngineLauncher):
    """Engines on this machine."""

    old_classes = ("LocalEngineLauncher",)

    delay = option(Float(0, min=0, help="Seconds between the starts of two engines."))


class MPILauncher(LocalProcessLauncher):
    """What starts processes by mpiexec."""

    old_classes = ("MPIExecLauncher",)

    mpi_cmd = option(List(Unicode(), ["mpiexec"], help="The command that starts MPI processes."))
    mpi_args = option(List(Unicode(), help="Its arguments, before -n."))


class MPIControllerLauncher(MPILauncher, ControllerLauncher):
    """A controller started by mpiexec."""

    old_classes = ("MPIExecControllerLauncher",)


class MPIEngineSetLauncher(MPILauncher, EngineLauncher):
    """Engines that are the ranks of one MPI world."""

    old_classes = ("MPIExecEngineSetLauncher",)


class SSHLauncher(LocalProcessLauncher):
    """What starts processes on other machines by ssh."""

    old_classes = ("SSHClusterLauncher",)

    hostname = option(Unicode("", help="The machine to start on."))
    user = option(Unicode("", help="The user to log in as; default: what ssh's configuration says."))
    location = option(Unicode("", help="[user@]host[:port], instead of hostname and user."))
    ssh_cmd = option(List(Unicode(), ["ssh"], help="The ssh command."))
    ssh_args = option(List(Unicode(), help="Arguments for ssh, before the host."))
    scp_cmd = option(List(Unicode(), ["scp"], help="Ignored: files travel over the ssh connection itself."))
    scp_args = option(List(Unicode(), help="Ignored, as scp_cmd."))
    remote_python = option(
        Unicode("python3", help="Python on the other machine, with engineroom installed: a name or a path.")
    )
    remote_profile_dir = option(
        Unicode("", help="The profile's directory there; default: the profile of the same name in its home.")
    )
    environment_script = option(
        Unicode("", help="A shell script there to read before Python is started, such as ~/venv/bin/activate.")
    )
    to_send = option(List(Any(), help="Files to copy there before the start: pairs of (here, there)."))
    to_fetch = option(List(Any(), help="Files to copy back after the start of a controller: pairs of (there, here)."))


class SSHControllerLauncher(SSHLauncher, ControllerLauncher):
    """A controller on another machine, by ssh. It keeps its port and keys from start to start (--reuse)."""


class SSHEngineSetLauncher(SSHLauncher, EngineLauncher):
    """Engines on other machines, by ssh."""

    old_classes = ("SSHEngineLauncher",)

    engines = option(
        Dict(
            help="By [user@]host[:port], how many engines it gets: a number; a pair of number and arguments for "
            "ipengine; or a dict with n and options of SSHLauncher for that host."
        )
    )
    delay = option(Float(0, min=0, help="Seconds between the starts of two engines on the same machine."))


class SSHProxyEngineSetLauncher(SSHLauncher, EngineLauncher):
    """Engines on one other machine, started there by `ipcluster engines`."""

    ipcluster_cmd = option(List(Unicode(), help="The command there, whose Python is then used."))
    ipcluster_args = option(List(Unicode(), help="Arguments for `ipcluster engines` there."))


class BatchSystemLauncher(BaseLauncher):
    """What hands scripts to a batch system, and asks it how they are."""

    batch_template = option(
        Unicode("", help="The script as text, with {n}, {queue} and other fields, or any Python expression of them.")
    )
    batch_template_file = option(
        Unicode("", help="A file with the script; looked for in the working directory, then in the profile.")
    )
    batch_file_name = option(Unicode("", help="Name of the script as written to the profile; default: by role."))
    queue = option(Unicode("", help="The queue (partition) to submit to; default: the system's."))
    account = option(Unicode("", help="The account (project) to charge."))
    timelimit = option(Any("", help="How long jobs may run, as the system writes it: 1:00:00, or minutes."))
    options = option(Unicode("", help="Further directives for the default script, such as --mem=4G; spaces separate."))
    split = option(
        Any(default_value=None, allow_none=True, help="True: each engine is a job of its own, False: one job."),
    )
    namespace = option(Dict(help="Further fields for the template."))
    output_file = option(Unicode("", help="Where jobs write their output; default: the profile's log directory."))
    submit_command = option(List(Unicode(), help="The command that takes the script; default: the system's."))
    delete_command = option(List(Unicode(), help="The command that cancels jobs; default: the system's."))
    signal_command = option(List(Unicode(), help="The command that signals jobs; default: the system's."))
    job_id_regexp = option(
        CRegExp("", help="Finds the job's id in what the submit command prints; default: the system's.")
    )
    job_id_regexp_group = option(Int(0, min=0, help="Which group of job_id_regexp is the id; 0: all of it."))


class PBSLauncher(BatchSystemLauncher):
    """Jobs of PBS: Torque, OpenPBS, PBS Pro."""

    variant = option(
        CaselessStrEnum(
            ("", "Torque", "PBS Pro"),
            "",
            help="Which PBS it is, for they write job arrays differently: Torque, or PBS Pro (also for OpenPBS); "
            "default: what `qstat --version` says.",
        )
    )


class SGELauncher(BatchSystemLauncher):
    """Jobs of Grid Engine."""


class SlurmLauncher(BatchSystemLauncher):
    """Jobs of Slurm."""

    qos = option(Unicode("", help="The quality of service to ask for."))


class LSFLauncher(BatchSystemLauncher):
    """Jobs of LSF."""


class HTCondorLauncher(BatchSystemLauncher):
    """Jobs of HTCondor."""


class BatchControllerLauncher(BatchSystemLauncher, ControllerLauncher):
    """A controller in a job of a batch system that the options describe."""


class BatchEngineSetLauncher(BatchSystemLauncher, EngineLauncher):
    """Engines in jobs of a batch system that the options describe."""


class PBSControllerLauncher(PBSLauncher, ControllerLauncher):
    """A controller in a job of PBS."""


class PBSEngineSetLauncher(PBSLauncher, EngineLauncher):
    """Engines in jobs of PBS."""


class SGEControllerLauncher(SGELauncher, ControllerLauncher):
    """A controller in a job of Grid Engine."""


class SGEEngineSetLauncher(SGELauncher, EngineLauncher):
    """Engines in jobs of Grid Engine."""


class SlurmControllerLauncher(SlurmLauncher, ControllerLauncher):
    """A controller in a job of Slurm."""


class SlurmEngineSetLauncher(SlurmLauncher, EngineLauncher):
    """Engines in jobs of Slurm."""


class LSFControllerLauncher(LSFLauncher, ControllerLauncher):
    """A controller in a job of LSF."""


class LSFEngineSetLauncher(LSFLauncher, EngineLauncher):
    """Engines in jobs of LSF."""


class HTCondorControllerLauncher(HTCondorLauncher, ControllerLauncher):
    """A controller in a job of HTCondor."""


class HTCondorEngineSetLauncher(HTCondorLauncher, EngineLauncher):
    """Engines in jobs of HTCondor."""


class WindowsHPCLauncher(BaseLauncher):
    """Jobs of Windows HPC Server."""

    job_class: ClassVar[type[WinHPCJob]]
    task_class: ClassVar[type[WinHPCTask]]

    scheduler = option(Unicode("", help="The head node that schedules jobs; default: what $CCP_SCHEDULER says."))
    job_cmd = option(Unicode("job", help="The command that submits and cancels jobs."))
    job_file_name = option(Unicode("", help="Name of the job's XML file in the profile; default: by role."))
    job_id_regexp = option(CRegExp(r"\d+", help="Finds the job's id in what the command prints."))
    job = option(Dict(help="Options of WinHPCJob for this job; default: of its own class."), in_files=False)
    task = option(Dict(help="Options of WinHPCTask for its tasks; default: of their own class."), in_files=False)

    @default("job")
    def _job_of_its_class(self) -> dict[str, object]:
        return values_set(self.job_class, self.config)

    @default("task")
    def _task_of_its_class(self) -> dict[str, object]:
        return values_set(self.task_class, self.config)


class WindowsHPCControllerLauncher(WindowsHPCLauncher, ControllerLauncher):
    """A controller in a job of Windows HPC Server."""

    job_class, task_class = IPControllerJob, IPControllerTask

    @default("controller_cmd")
    def _command_of_the_task(self) -> list[str]:
        return configured(IPControllerTask, self.config).controller_cmd

    @default("controller_args")
    def _arguments_of_the_task(self) -> list[str]:
        return configured(IPControllerTask, self.config).controller_args


class WindowsHPCEngineSetLauncher(WindowsHPCLauncher, EngineLauncher):
    """Engines in a job of Windows HPC Server."""

    job_class, task_class = IPEngineSetJob, IPEngineTask

    @default("engine_cmd")
    def _command_of_the_task(self) -> list[str]:
        return configured(IPEngineTask, self.config).engine_cmd

    @default("engine_args")
    def _arguments_of_the_task(self) -> list[str]:
        return configured(IPEngineTask, self.config).engine_args


LAUNCHERS: dict[str, tuple[type[ControllerLauncher], type[EngineLauncher]]] = {
    "Batch": (BatchControllerLauncher, BatchEngineSetLauncher),
    "HTCondor": (HTCondorControllerLauncher, HTCondorEngineSetLauncher),
    "LSF": (LSFControllerLauncher, LSFEngineSetLauncher),
    "Local": (LocalControllerLauncher, LocalEngineSetLauncher),
    "MPI": (MPIControllerLauncher, MPIEngineSetLauncher),
    "PBS": (PBSControllerLauncher, PBSEngineSetLauncher),
    "SGE": (SGEControllerLauncher, SGEEngineSetLauncher),
    "SSH": (SSHControllerLauncher, SSHEngineSetLauncher),
    "SSHProxy": (SSHControllerLauncher, SSHProxyEngineSetLauncher),
    "Slurm": (SlurmControllerLauncher, SlurmEngineSetLauncher),
    "WindowsHPC": (WindowsHPCControllerLauncher, WindowsHPCEngineSetLauncher),
}
"""By the short name, what starts a controller and what starts engines."""

LAUNCHER_CLASSES: tuple[type[Configurable], ...] = tuple(
    cls for cls in vars(sys.modules[__name__]).values() if isinstance(cls, type) and issubclass(cls, BaseLauncher)
)
"""Every class of this page, parents first."""
