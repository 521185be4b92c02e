"""Launchers by the names that users import, configure and derive from."""

from __future__ import annotations

from engineroom.cluster.launchers.launcher import Command, Handle, Launcher, State, Status
from engineroom.errors import LaunchError
from engineroom.settings.launchers import *  # noqa: F403 (all of them are public)

__all__ = ["Command", "Handle", "LaunchError", "Launcher", "State", "Status"]
