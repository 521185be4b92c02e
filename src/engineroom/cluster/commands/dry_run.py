"""`--dry-run`: how everything would be started, as text, and nothing is."""

from __future__ import annotations

import asyncio
import inspect
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engineroom.cluster.commands.start import plan_of, read_options
from engineroom.cluster.launchers.launcher import CONTROLLER, ENGINE, Command, as_text
from engineroom.cluster.launchers.spec import LauncherSpec
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.ids import new_instance
from engineroom.settings.launcher_kinds import loaded

if TYPE_CHECKING:
    from engineroom.settings.launchers import BaseLauncher, SSHLauncher


def print_dry_run(argv: Sequence[str], *, with_controller: bool) -> int:
    """Print what the arguments of `ipcluster start` or `ipcluster engines` would start; return the exit code.

    LaunchError: a script or a command can't be made.
    """
    plan = plan_of(read_options(argv, with_controller=with_controller), with_controller=with_controller)
    print("\n\n".join(dry_run(plan)))
    return 0


def dry_run(plan: HostPlan) -> list[str]:
    """Return a text for the controller, if there is one, and one for the engines."""
    from engineroom.cluster.plan.commands import controller_command, engines_command  # many classes, for launchers

    texts = []
    if plan.controller is not None:
        options = _options(plan.controller_launcher, CONTROLLER)
        texts.append(_text("the controller", plan.launcher_names[0], options, controller_command(plan, options), ""))
    options = _options(plan.engine_launcher, ENGINE)
    what = f"{plan.n} engine{'' if plan.n == 1 else 's'}"
    texts.append(_text(what, plan.launcher_names[1], options, engines_command(plan, options, plan.n, "1"), "1"))
    return texts


def _options(spec: LauncherSpec | None, role: str) -> Any:
    """Return the options of a launcher; of what the host starts itself, those of the same on this machine."""
    if spec is None:
        from engineroom.settings.launcher_classes import launcher_class  # as above

        return launcher_class("Local", controller=role == CONTROLLER)()
    from engineroom.cluster.launchers.choose import options_of  # as above

    return options_of(spec)


def _text(what: str, launcher: str, options: BaseLauncher, command: Command, name: str) -> str:
    said = loaded(options.launcher_kind.dry_run)(options, command.launched_by(new_instance(), name))
    return f"# {what}, by {launcher}:\n{said}"


def as_command(options: BaseLauncher, command: Command) -> str:
    """Return the command itself."""
    del options
    return as_text(command)


def as_launcher_says(options: BaseLauncher, command: Command) -> str:
    """Return what the launcher says of `command`."""
    from engineroom.cluster.launchers.choose import launcher_for  # as above

    found: Any = launcher_for(options).describe(command)
    text = asyncio.run(found) if inspect.iscoroutine(found) else found
    return str(text).rstrip("\n")


def by_ssh(options: SSHLauncher, command: Command) -> str:
    """Return the commands that reach the machines, and what each of these gets."""
    from engineroom.cluster.launchers.ssh.command import place_in, ssh_argv  # as above
    from engineroom.cluster.launchers.ssh.places import given

    if command.role == CONTROLLER:
        return f"$ {shlex.join(ssh_argv(options, place_in(options)))}"
    lines = []
    for share in given(command.n, loaded(options.launcher_kind.shares)(options))[0]:
        gets = " ".join([f"{share.n} engine{'' if share.n == 1 else 's'}", *share.arguments])
        lines.append(f"$ {shlex.join(ssh_argv(share.options, share.place))}   # {gets}")
    return "\n".join(lines)
