"""What a new profile's files show, and in which order: sections with typical lines and the options of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from traitlets.config import Configurable

from engineroom.settings.cluster import Cluster, IPClusterStart, IPClusterStop
from engineroom.settings.controller import HeartMonitor, IPController, TaskScheduler
from engineroom.settings.databases import DATABASES
from engineroom.settings.engine import IPEngine
from engineroom.settings.launcher_kinds import KINDS
from engineroom.settings.launchers import (
    LAUNCHERS,
    BaseLauncher,
    BatchSystemLauncher,
    ControllerLauncher,
    EngineLauncher,
    LocalEngineSetLauncher,
    LocalProcessLauncher,
    MPILauncher,
    PBSLauncher,
    SlurmLauncher,
    SSHEngineSetLauncher,
    SSHLauncher,
    SSHProxyEngineSetLauncher,
    WindowsHPCLauncher,
)


class Section(NamedTuple):
    """One section of a file. `lines`: what one would typically write; `classes`: whose own options follow."""

    title: str = ""
    words: str = ""
    lines: tuple[str, ...] = ()
    classes: tuple[type[Configurable], ...] = ()


def _chosen(name: str, *, controller: str = "") -> tuple[str, ...]:
    """Return the lines by which a launcher is chosen; `controller`: what that of a controller is for."""
    engines = f"c.Cluster.engine_launcher_class = '{name}'"
    if not controller:
        return (engines,)
    return (engines, f"c.Cluster.controller_launcher_class = '{name}'  # to run the controller {controller}")


def _jobs(name: str, words: str, *lines: str, classes: tuple[type[Configurable], ...] = ()) -> Section:
    """Return the section of a batch system."""
    return Section(name, words, (*_chosen(name, controller="in a job too"), *lines), classes)


def _of_kinds(told: Sequence[Section]) -> tuple[Section, ...]:
    """Return `told`, and for each kind of launcher that none of these is about how to choose it, and its options."""
    about = {section.title for section in told}
    rest = [kind for name, kind in KINDS.items() if name not in about and name != "Batch"]  # that has all their options
    return (*told, *(Section(kind.name, "", _chosen(kind.name), (LAUNCHERS[kind.name][1],)) for kind in rest))


_GENERAL = (
    Section("The cluster", "", (), (Cluster,)),
    Section("The commands", "", (), (IPClusterStart, IPClusterStop)),
    Section(
        "All launchers",
        "Options that every launcher has. To set one for a single launcher, use its class, as in "
        "c.SSHEngineSetLauncher.engine_args.",
        (),
        (BaseLauncher, EngineLauncher, ControllerLauncher),
    ),
)

_KINDS = (
    Section(
        "Local",
        "This machine. This is the default, and needs no options.",
        (),
        (LocalEngineSetLauncher, LocalProcessLauncher),
    ),
    Section(
        "MPI",
        "Engines as the ranks of one MPI world. c.IPEngine.use_mpi, in ipengine_config.py, initialises MPI.",
        _chosen("MPI"),
        (MPILauncher,),
    ),
    Section(
        "SSH",
        "Other machines, by ssh. Options of SSHLauncher apply to engines and controller, unless "
        "SSHEngineSetLauncher or SSHControllerLauncher overrides them.",
        (
            *_chosen("SSH", controller="elsewhere too"),
            "c.SSHEngineSetLauncher.engines = {'host1.example.com': 2, 'me@host2.example.com:22': 4}",
            "c.SSHControllerLauncher.hostname = 'controller.example.com'",
            "c.SSHControllerLauncher.controller_args = ['--ip=*']",
        ),
        (SSHEngineSetLauncher, SSHLauncher),
    ),
    Section(
        "SSHProxy",
        "One other machine, on which `ipcluster engines` starts them. The options of SSHLauncher apply too.",
        (*_chosen("SSHProxy"), "c.SSHProxyEngineSetLauncher.hostname = 'host1.example.com'"),
        (SSHProxyEngineSetLauncher,),
    ),
    Section(
        "Batch systems",
        "PBS, SGE, Slurm, LSF and HTCondor (below) all have these options. Set them for one system, as "
        "c.PBSLauncher.queue, or only for its engines (c.PBSEngineSetLauncher) or its controller "
        "(c.PBSControllerLauncher). `ipcluster start --dry-run` shows the resulting script.",
        (),
        (BatchSystemLauncher,),
    ),
    _jobs(
        "PBS",
        "Torque, OpenPBS and PBS Pro.",
        "c.PBSLauncher.queue = 'veryshort.q'",
        "c.PBSEngineSetLauncher.batch_template_file = 'pbs.engine.template'",
        "c.PBSControllerLauncher.batch_template_file = 'pbs.controller.template'",
        classes=(PBSLauncher,),
    ),
    _jobs("SGE", "Grid Engine: Sun's, Univa's, Son of Grid Engine.", "c.SGELauncher.queue = 'all.q'"),
    _jobs(
        "Slurm",
        "",
        "c.SlurmLauncher.queue = 'short'  # what Slurm calls a partition",
        "c.SlurmLauncher.timelimit = '1:00:00'",
        classes=(SlurmLauncher,),
    ),
    _jobs("LSF", "", "c.LSFLauncher.queue = 'normal'"),
    _jobs("HTCondor", "", "c.HTCondorLauncher.options = 'request_memory=2G'"),
    Section(
        "WindowsHPC",
        "Windows HPC Server. c.IPEngineSetJob and c.IPControllerJob (or c.WinHPCJob for both) describe the jobs, "
        "c.IPEngineTask and c.IPControllerTask (or c.WinHPCTask) their tasks. `ipcluster config "
        "--engines=WindowsHPC` lists all their options.",
        (
            *_chosen("WindowsHPC", controller="in a job too"),
            "c.WindowsHPCLauncher.scheduler = 'HEADNODE'",
            "c.WinHPCJob.project = 'IPython'",
            "c.IPEngineSetJob.priority = 'Normal'",
        ),
        (WindowsHPCLauncher,),
    ),
)

_OWN = Section(
    "Your own launcher",
    "A class derived from one of engineroom.cluster.launcher, in a module beside this file, in the working "
    "directory, or installed; or the name of an entry point in the group engineroom.launchers.",
    ("c.Cluster.engine_launcher_class = 'mymodule.MyEngineSetLauncher'",),
)

SECTIONS: dict[str, tuple[Section, ...]] = {
    "ipcluster": (*_GENERAL, *_of_kinds(_KINDS), _OWN),
    "ipcontroller": (
        Section("The controller", "", (), (IPController,)),
        Section("Scheduling", "", (), (TaskScheduler,)),
        Section("When a machine counts as disconnected", "", (), (HeartMonitor,)),
        Section(
            "Databases of tasks",
            "IPController.db_class chooses one. Of the others, the options have no effect.",
            ("c.IPController.db_class = 'SQLiteDB'",),
            DATABASES,
        ),
    ),
    "ipengine": (Section("The engine", "", (), (IPEngine,)),),
}
"""By program, the sections of its file."""
