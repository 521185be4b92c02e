"""What a new profile's files show, and in which order: sections with typical lines and the options of classes."""

from __future__ import annotations

from typing import NamedTuple

from traitlets.config import Configurable

from engineroom.settings.cluster import Cluster, IPClusterStart, IPClusterStop
from engineroom.settings.controller import HeartMonitor, IPController, TaskScheduler
from engineroom.settings.engine import IPEngine
from engineroom.settings.launchers import (
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
    return (engines, f"c.Cluster.controller_launcher_class = '{name}'  # if the controller is to be {controller}")


def _jobs(name: str, words: str, *lines: str, classes: tuple[type[Configurable], ...] = ()) -> Section:
    """Return the section of a batch system."""
    return Section(name, words, (*_chosen(name, controller="a job, too"), *lines), classes)


_CLUSTER = (
    Section("The cluster", "", (), (Cluster,)),
    Section("The commands", "", (), (IPClusterStart, IPClusterStop)),
    Section(
        "All launchers",
        "What holds for whatever starts engines and controllers. Said of one of those below, such as "
        "c.SSHEngineSetLauncher.engine_args, it holds for that one.",
        (),
        (BaseLauncher, EngineLauncher, ControllerLauncher),
    ),
    Section(
        "Local",
        "This machine: the usual way, for which nothing need be said.",
        (),
        (LocalEngineSetLauncher, LocalProcessLauncher),
    ),
    Section(
        "MPI",
        "Engines as the ranks of one MPI world: c.IPEngine in ipengine_config.py says how they use MPI.",
        _chosen("MPI"),
        (MPILauncher,),
    ),
    Section(
        "SSH",
        "Other machines, by ssh. Options of SSHLauncher hold for engines and controller, unless they are said of "
        "SSHEngineSetLauncher or SSHControllerLauncher.",
        (
            *_chosen("SSH", controller="elsewhere, too"),
            "c.SSHEngineSetLauncher.engines = {'host1.example.com': 2, 'me@host2.example.com:22': 4}",
            "c.SSHControllerLauncher.hostname = 'controller.example.com'",
            "c.SSHControllerLauncher.controller_args = ['--ip=*']",
        ),
        (SSHEngineSetLauncher, SSHLauncher),
    ),
    Section(
        "SSHProxy",
        "One other machine, on which `ipcluster engines` starts them. It has the options of SSHLauncher too.",
        (*_chosen("SSHProxy"), "c.SSHProxyEngineSetLauncher.hostname = 'host1.example.com'"),
        (SSHProxyEngineSetLauncher,),
    ),
    Section(
        "Batch systems",
        "PBS, SGE, Slurm, LSF and HTCondor, whose sections follow, all have these. Say them of one of these, as "
        "c.PBSLauncher.queue, or just for its engines (c.PBSEngineSetLauncher) or its controller "
        "(c.PBSControllerLauncher). `ipcluster start --dry-run` shows the script that comes of them.",
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
        "Windows HPC Server. Jobs are described by c.IPEngineSetJob and c.IPControllerJob, or c.WinHPCJob for both, "
        "their tasks by c.IPEngineTask and c.IPControllerTask, or c.WinHPCTask; `ipcluster config "
        "--engines=WindowsHPC` lists all that they have.",
        (
            *_chosen("WindowsHPC", controller="a job, too"),
            "c.WindowsHPCLauncher.scheduler = 'HEADNODE'",
            "c.WinHPCJob.project = 'IPython'",
            "c.IPEngineSetJob.priority = 'Normal'",
        ),
        (WindowsHPCLauncher,),
    ),
    Section(
        "A launcher of your own",
        "A class in a module that lies beside this file, in the working directory, or is installed, derived from one "
        "of engineroom.cluster.launcher; or the name of an entry point in the group engineroom.launchers.",
        ("c.Cluster.engine_launcher_class = 'mymodule.MyEngineSetLauncher'",),
    ),
)

SECTIONS: dict[str, tuple[Section, ...]] = {
    "ipcluster": _CLUSTER,
    "ipcontroller": (
        Section("The controller", "", (), (IPController,)),
        Section("Who gets a task", "", (), (TaskScheduler,)),
        Section("When a machine counts as cut off", "", (), (HeartMonitor,)),
    ),
    "ipengine": (Section("The engine", "", (), (IPEngine,)),),
}
"""By program, the sections of its file."""
