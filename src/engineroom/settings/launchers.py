"""The options of what starts controllers and engines, by the class names that users configure.

Each system has one class with its options (`c.PBSLauncher.queue`), and one for each of the two things that it starts
(`c.PBSEngineSetLauncher.batch_template_file`), which has them too. What the rest of a cluster has to know of each kind
is a row in `launcher_kinds`; what they do is in `cluster/launchers/`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from copy import copy
from types import MappingProxyType
from typing import ClassVar

from traitlets import Any, CaselessStrEnum, CRegExp, Dict, Int, List, TraitType, Unicode, default
from traitlets.config import Configurable

from engineroom.settings.amount_traits import Float
from engineroom.settings.launcher_kinds import CONTROLLER, ENGINE, KINDS, OWN, Kind
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

_OVER_SSH = "files travel over the ssh connection itself: see to_send and to_fetch"
_NAMED = "the machines are those in its `engines`"
_FETCHED = "only files of a controller are fetched: have engines return what you need"


def _options_of(cls: type) -> list[str]:
    return cls.class_trait_names(config=True) if issubclass(cls, Configurable) else []


def _no_effect(**reasons: str) -> Mapping[str, str]:
    return MappingProxyType(reasons)


class BaseLauncher(Configurable):
    """What all launchers have."""

    launcher_kind: ClassVar[Kind] = OWN
    """What the rest of a cluster has to know of it."""
    launcher_roles: ClassVar[frozenset[str]] = frozenset()
    """Whether it starts "engine" or "controller"."""
    launcher_no_effect: ClassVar[Mapping[str, str]] = _no_effect()
    """Options that it has because its parents have them, and why they do nothing, or what to use instead."""
    old_classes: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **more: object) -> None:
        """Let a class give an option another default by just saying so: `queue = "short"`; its own methods count."""
        super().__init_subclass__(**more)
        if not isinstance(cls.launcher_kind, Kind):
            raise TypeError(f"{cls.__name__}.launcher_kind must be a Kind, not {cls.launcher_kind!r}")
        if "launcher_roles" not in vars(cls):
            cls.launcher_roles = frozenset().union(*(vars(base).get("launcher_roles", ()) for base in cls.__mro__))
        of_ours = any(cls.launcher_kind is kind for kind in KINDS.values())
        if of_ours and any("start" in vars(base) for base in cls.__mro__):
            cls.launcher_kind = cls.launcher_kind.with_methods()
        for name in {name for base in cls.__bases__ for name in _options_of(base)}.intersection(vars(cls)):
            if not isinstance(value := vars(cls)[name], TraitType):
                delattr(cls, name)
                # traitlets looks for a method of this name.
                setattr(cls, f"_{name}_default", lambda _, value=value: copy(value))

    environment = option(Dict(help="Extra environment variables for what is started."))
    output_limit = option(Int(100, min=0, help="Lines of output to show when it fails (at most 3 for a job)."))
    stop_timeout = option(Float(60, min=0, help="Seconds to wait for it to stop before reporting an error."))

    @classmethod
    def further_sections(cls) -> tuple[type[Configurable], ...]:
        """Return other classes with options of what it starts."""
        return ()


class ControllerLauncher(BaseLauncher):
    """What starts a controller."""

    launcher_roles = frozenset({CONTROLLER})

    controller_cmd = option(
        List(Unicode(), help="Command that runs the controller (default: this Python with engineroom's controller).")
    )
    controller_args = option(List(Unicode(), help="Arguments for ipcontroller."))
    connection_info_timeout = option(
        Float(60, min=0, help="Seconds to wait for a running controller to write its connection files.")
    )


class EngineLauncher(BaseLauncher):
    """What starts a set of engines."""

    launcher_roles = frozenset({ENGINE})

    engine_cmd = option(
        List(Unicode(), help="Command that runs one engine (default: this Python with engineroom's engine).")
    )
    engine_args = option(List(Unicode(), help="Arguments for ipengine."))


class LocalProcessLauncher(BaseLauncher):
    """What starts processes on this machine."""

    launcher_kind = KINDS["Local"]
    launcher_no_effect = _no_effect(poll_seconds="the end of a process is known at once")

    poll_seconds = option(Float(30, min=0, help="Ignored: engineroom notices the end of a process at once."))
    stop_seconds_until_kill: TraitType[float | None, object] = option(
        Float(
            None,
            allow_none=True,
            min=0,
            help="Seconds to wait after asking a process to stop before killing it (default: 1 for engines that "
            "ipcluster forks, 5 for other commands).",
        )
    )


class LocalControllerLauncher(LocalProcessLauncher, ControllerLauncher):
    """A controller on this machine."""


class LocalEngineSetLauncher(LocalProcessLauncher, EngineLauncher):
    """Engines on this machine."""

    old_classes = ("LocalEngineLauncher",)

    delay = option(Float(0, min=0, help="Seconds to wait between starting two engines."))


class MPILauncher(LocalProcessLauncher):
    """What starts processes by mpiexec."""

    launcher_kind = KINDS["MPI"]
    old_classes = ("MPIExecLauncher",)

    mpi_cmd = option(List(Unicode(), ["mpiexec"], help="Command that starts MPI processes."))
    mpi_args = option(List(Unicode(), help="Arguments for mpi_cmd, placed before -n."))


class MPIControllerLauncher(MPILauncher, ControllerLauncher):
    """A controller started by mpiexec."""

    old_classes = ("MPIExecControllerLauncher",)


class MPIEngineSetLauncher(MPILauncher, EngineLauncher):
    """Engines that are the ranks of one MPI world."""

    old_classes = ("MPIExecEngineSetLauncher",)


class SSHLauncher(LocalProcessLauncher):
    """What starts processes on other machines by ssh."""

    launcher_kind = OWN
    launcher_no_effect = _no_effect(
        scp_cmd=_OVER_SSH,
        scp_args=_OVER_SSH,
        output_limit="the logs of other machines are copied to here: see `ipcluster logs`",
        stop_timeout="what runs there is killed if it does not end",
    )
    old_classes = ("SSHClusterLauncher",)

    hostname = option(Unicode("", help="Machine to start on."))
    user = option(Unicode("", help="User to log in as (default: as in your ssh configuration)."))
    location = option(Unicode("", help="Machine and user as [user@]host[:port], instead of hostname and user."))
    ssh_cmd = option(List(Unicode(), ["ssh"], help="Command that runs ssh."))
    ssh_args = option(List(Unicode(), help="Arguments for ssh, placed before the host."))
    scp_cmd = option(List(Unicode(), ["scp"], help="Ignored: files are sent over the ssh connection itself."))
    scp_args = option(List(Unicode(), help="Ignored, like scp_cmd."))
    remote_python = option(
        Unicode(
            "",
            help="Python on the remote machine, with engineroom installed: a name or a path. Default: the first of "
            "this interpreter's path, the active environment's name, python3 and python that can import engineroom.",
        )
    )
    remote_profile_dir = option(
        Unicode(
            "",
            help="Profile directory on the remote machine (default: the profile of the same name in the home there).",
        )
    )
    environment_script = option(
        Unicode("", help="Remote shell script to source before Python starts, such as ~/venv/bin/activate.")
    )
    to_send = option(
        List(Any(), help="Files to copy to the remote machine before the start, as pairs (local, remote).")
    )
    to_fetch = option(List(Any(), help="Files to copy back once a controller has started, as pairs (remote, local)."))


class SSHControllerLauncher(SSHLauncher, ControllerLauncher):
    """A controller on another machine, by ssh. It keeps its port and keys from start to start (--reuse)."""

    launcher_kind = KINDS["SSH"]
    launcher_no_effect = _no_effect(stop_seconds_until_kill="a controller that does not end in 4 s is killed")


class SSHEngineSetLauncher(SSHLauncher, EngineLauncher):
    """Engines on other machines, by ssh."""

    launcher_kind = KINDS["SSH"]
    launcher_no_effect = _no_effect(
        to_fetch=_FETCHED,
        hostname=_NAMED,
        location=_NAMED,
    )
    old_classes = ("SSHEngineLauncher",)

    engines = option(
        Dict(
            help="Engines to start on each machine: {'[user@]host[:port]': n}. Instead of n, also (n, [arguments for "
            "ipengine]), or a dict with n and options of SSHLauncher for that machine."
        )
    )
    delay = option(Float(0, min=0, help="Seconds to wait between starting two engines on the same machine."))


class SSHProxyEngineSetLauncher(SSHLauncher, EngineLauncher):
    """Engines on one other machine, started there by `ipcluster engines`."""

    launcher_kind = KINDS["SSHProxy"]
    launcher_no_effect = _no_effect(to_fetch=_FETCHED)

    ipcluster_cmd = option(List(Unicode(), help="Remote ipcluster command; its Python is used."))
    ipcluster_args = option(List(Unicode(), help="Arguments for the remote `ipcluster engines`."))


class BatchSystemLauncher(BaseLauncher):
    """What hands scripts to a batch system, and asks it how they are."""

    launcher_kind = KINDS["Batch"]
    batch_system: ClassVar[object] = None
    """The `BatchSystem` that a class of the user's own describes; None: the one of its kind."""

    batch_template = option(
        Unicode("", help="Batch script as text, with fields such as {n} and {queue}, or Python expressions of them.")
    )
    batch_template_file = option(
        Unicode("", help="File with the batch script, looked up in the working directory, then in the profile.")
    )
    batch_file_name = option(
        Unicode("", help="File name under which the script is written to the profile (default: by role).")
    )
    queue = option(Unicode("", help="Queue (partition) to submit to (default: the system's)."))
    account = option(Unicode("", help="Account (project) to charge."))
    timelimit = option(Any("", help="Time limit of jobs, as the batch system writes it: 1:00:00, or minutes."))
    options = option(
        Unicode("", help="Extra directives for the default script, separated by spaces, such as --mem=4G.")
    )
    split = option(
        Any(
            default_value=None,
            allow_none=True,
            help="True: submit each engine as a job of its own. False: submit one job for all.",
        ),
    )
    namespace = option(Dict(help="Extra fields for the template."))
    output_file = option(Unicode("", help="File for the output of jobs (default: in the profile's log directory)."))
    submit_command = option(List(Unicode(), help="Command that submits the script (default: the system's)."))
    delete_command = option(List(Unicode(), help="Command that cancels jobs (default: the system's)."))
    signal_command = option(List(Unicode(), help="Command that signals jobs (default: the system's)."))
    job_id_regexp = option(
        CRegExp(
            "", help="Regular expression that finds the job id in the submit command's output (default: the system's)."
        )
    )
    job_id_regexp_group = option(Int(0, min=0, help="Group of job_id_regexp that holds the id (0: the whole match)."))


class PBSLauncher(BatchSystemLauncher):
    """Jobs of PBS: Torque, OpenPBS, PBS Pro."""

    launcher_kind = KINDS["PBS"]

    variant = option(
        CaselessStrEnum(
            ("", "Torque", "PBS Pro"),
            "",
            help="Which PBS this is, since job arrays differ: Torque, or PBS Pro (also for OpenPBS). Default: as "
            "`qstat --version` reports.",
        )
    )


class SGELauncher(BatchSystemLauncher):
    """Jobs of Grid Engine."""

    launcher_kind = KINDS["SGE"]


class SlurmLauncher(BatchSystemLauncher):
    """Jobs of Slurm."""

    launcher_kind = KINDS["Slurm"]

    qos = option(Unicode("", help="Quality of service to request."))


class LSFLauncher(BatchSystemLauncher):
    """Jobs of LSF."""

    launcher_kind = KINDS["LSF"]


class HTCondorLauncher(BatchSystemLauncher):
    """Jobs of HTCondor."""

    launcher_kind = KINDS["HTCondor"]
    launcher_no_effect = _no_effect(queue="HTCondor has no queues: say what machines have to have by `options`")


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

    launcher_kind = KINDS["WindowsHPC"]
    launcher_no_effect = _no_effect(output_limit="what tasks print is in the profile's log directory")
    job_class: ClassVar[type[WinHPCJob]]
    task_class: ClassVar[type[WinHPCTask]]

    scheduler = option(Unicode("", help="Head node that schedules jobs (default: $CCP_SCHEDULER)."))
    job_cmd = option(Unicode("job", help="Command that submits and cancels jobs."))
    job_file_name = option(Unicode("", help="File name of the job's XML file in the profile (default: by role)."))
    job_id_regexp = option(CRegExp(r"\d+", help="Regular expression that finds the job id in the command's output."))
    job = option(Dict(help="Options of WinHPCJob for this job (default: those set for its own class)."), in_files=False)
    task = option(
        Dict(help="Options of WinHPCTask for its tasks (default: those set for their own class)."), in_files=False
    )

    @classmethod
    def further_sections(cls) -> tuple[type[Configurable], ...]:
        """Return the classes with the options of a job and of its tasks."""
        return (cls.job_class, cls.task_class)

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
    name: (globals()[kind.classes[CONTROLLER]], globals()[kind.classes[ENGINE]]) for name, kind in KINDS.items()
}
"""By the short name, what starts a controller and what starts engines."""

LAUNCHER_CLASSES: tuple[type[Configurable], ...] = tuple(
    cls for cls in vars(sys.modules[__name__]).values() if isinstance(cls, type) and issubclass(cls, BaseLauncher)
)
"""Every class of this page, parents first."""
