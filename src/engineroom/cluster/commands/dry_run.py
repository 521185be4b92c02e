"""`--dry-run`: how everything would be started, as text, and nothing is."""

from __future__ import annotations

import asyncio
import inspect
import shlex
from collections.abc import Sequence

import msgspec

from engineroom.cluster.commands.start import plan_of, read_options
from engineroom.cluster.launchers.launcher import Command
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.ids import new_instance
from engineroom.settings.launchers import (
    BaseLauncher,
    LocalControllerLauncher,
    LocalEngineSetLauncher,
    SSHEngineSetLauncher,
    SSHLauncher,
)
from engineroom.trail.launches import VARIABLE, Launch


def print_dry_run(argv: Sequence[str], *, with_controller: bool) -> int:
    """Print what the arguments of `ipcluster start` or `ipcluster engines` would start; return the exit code.

    LaunchError: a script or a command can't be made.
    """
    plan = plan_of(read_options(argv, with_controller=with_controller), with_controller=with_controller)
    print("\n\n".join(dry_run(plan)))
    return 0


def dry_run(plan: HostPlan) -> list[str]:
    """Return a text for the controller, if there is one, and one for the engines."""
    # Most commands have nothing to do with launchers.
    from engineroom.cluster.host.launching import controller_command, engines_command
    from engineroom.cluster.launchers.choose import options_of
    from engineroom.settings.launchers import ControllerLauncher, EngineLauncher

    texts = []
    if plan.controller is not None:
        here = plan.controller_launcher is None
        options = LocalControllerLauncher() if here else options_of(plan.controller_launcher)  # type: ignore[arg-type]
        assert isinstance(options, ControllerLauncher)
        texts.append(_text("the controller", plan.launcher_names[0], options, controller_command(plan, options), ""))
    here = plan.engine_launcher is None
    options = LocalEngineSetLauncher() if here else options_of(plan.engine_launcher)  # type: ignore[arg-type]
    assert isinstance(options, EngineLauncher)
    what = f"{plan.n} engine{'' if plan.n == 1 else 's'}"
    texts.append(_text(what, plan.launcher_names[1], options, engines_command(plan, options, plan.n, "1"), "1"))
    return texts


def _text(what: str, launcher: str, options: BaseLauncher, command: Command, name: str) -> str:
    launch = str(Launch(new_instance(), name, command.cluster_id, command.profile_dir))
    command = msgspec.structs.replace(command, environment={**command.environment, VARIABLE: launch})
    return f"# {what}, by {launcher}:\n{_described(options, command)}"


def _described(options: BaseLauncher, command: Command) -> str:
    """Return what the launcher says of `command`, or that itself."""
    if isinstance(options, LocalControllerLauncher | LocalEngineSetLauncher):
        return f"$ {shlex.join(command.argv)}{_times(command.n)}"
    if isinstance(options, SSHLauncher) and not hasattr(options, "start"):
        return _by_ssh(options, command)
    from engineroom.cluster.launchers.choose import launcher_for  # as above

    describe = getattr(launcher_for(options), "describe", None)
    if describe is None:
        return f"$ {shlex.join(command.argv)}{_times(command.n)}"
    found = describe(command)
    text = asyncio.run(found) if inspect.iscoroutine(found) else found
    return str(text.decode() if isinstance(text, bytes) else text).rstrip("\n")


def _by_ssh(options: SSHLauncher, command: Command) -> str:
    """Return the commands that reach the machines, and what each of these gets."""
    from engineroom.cluster.launchers.ssh.command import place_in, ssh_argv  # as above
    from engineroom.cluster.launchers.ssh.places import shares_of, split

    if not isinstance(options, SSHEngineSetLauncher):
        return f"$ {shlex.join(ssh_argv(options, place_in(options)))}"
    lines = []
    for share in split(command.n, shares_of(options)):
        gets = " ".join([f"{share.n} engine{'' if share.n == 1 else 's'}", *share.arguments])
        lines.append(f"$ {shlex.join(ssh_argv(share.options, share.place))}   # {gets}")
    return "\n".join(lines)


def _times(n: int) -> str:
    return f"   # {n} times" if n != 1 else ""
