"""Launcher classes under the names that you import, configure and derive from."""

from __future__ import annotations

from typing import Any

from engineroom.cluster.launchers.launcher import Command, Handle, Launcher, State, Status
from engineroom.cluster.launchers.systems.system import BatchSystem, JobState
from engineroom.errors import LaunchError
from engineroom.settings.launcher_kinds import Kind
from engineroom.settings.launchers import (
    LAUNCHER_CLASSES,
    BaseLauncher,
    BatchControllerLauncher,
    BatchEngineSetLauncher,
    BatchSystemLauncher,
    ControllerLauncher,
    EngineLauncher,
    HTCondorControllerLauncher,
    HTCondorEngineSetLauncher,
    HTCondorLauncher,
    LocalControllerLauncher,
    LocalEngineSetLauncher,
    LocalProcessLauncher,
    LSFControllerLauncher,
    LSFEngineSetLauncher,
    LSFLauncher,
    MPIControllerLauncher,
    MPIEngineSetLauncher,
    MPILauncher,
    PBSControllerLauncher,
    PBSEngineSetLauncher,
    PBSLauncher,
    SGEControllerLauncher,
    SGEEngineSetLauncher,
    SGELauncher,
    SlurmControllerLauncher,
    SlurmEngineSetLauncher,
    SlurmLauncher,
    SSHControllerLauncher,
    SSHEngineSetLauncher,
    SSHLauncher,
    SSHProxyEngineSetLauncher,
    WindowsHPCControllerLauncher,
    WindowsHPCEngineSetLauncher,
    WindowsHPCLauncher,
)

__all__ = [
    "BaseLauncher",
    "BatchControllerLauncher",
    "BatchEngineSetLauncher",
    "BatchSystem",
    "BatchSystemLauncher",
    "Command",
    "ControllerLauncher",
    "EngineLauncher",
    "HTCondorControllerLauncher",
    "HTCondorEngineSetLauncher",
    "HTCondorLauncher",
    "Handle",
    "JobState",
    "Kind",
    "LSFControllerLauncher",
    "LSFEngineSetLauncher",
    "LSFLauncher",
    "LaunchError",
    "Launcher",
    "LocalControllerLauncher",
    "LocalEngineSetLauncher",
    "LocalProcessLauncher",
    "MPIControllerLauncher",
    "MPIEngineSetLauncher",
    "MPILauncher",
    "PBSControllerLauncher",
    "PBSEngineSetLauncher",
    "PBSLauncher",
    "SGEControllerLauncher",
    "SGEEngineSetLauncher",
    "SGELauncher",
    "SSHControllerLauncher",
    "SSHEngineSetLauncher",
    "SSHLauncher",
    "SSHProxyEngineSetLauncher",
    "SlurmControllerLauncher",
    "SlurmEngineSetLauncher",
    "SlurmLauncher",
    "State",
    "Status",
    "WindowsHPCControllerLauncher",
    "WindowsHPCEngineSetLauncher",
    "WindowsHPCLauncher",
]

_EARLIER = {old: cls for cls in LAUNCHER_CLASSES for old in vars(cls).get("old_classes", ())}


def __getattr__(name: str) -> Any:
    """Return a class by a name that it had."""
    if name in _EARLIER:
        return _EARLIER[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
