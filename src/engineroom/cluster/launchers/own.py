"""A launcher of the user's own, held as any other: whatever goes wrong in it is said in words."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Sequence
from typing import Any

from engineroom.cluster.launchers.launcher import Command, Handle, Polled, Status, as_text
from engineroom.errors import LaunchError
from engineroom.settings.launchers import BaseLauncher

log = logging.getLogger(__name__)

_METHODS = ("start", "poll", "signal", "stop")


class OwnLauncher(Polled):
    """Calls the four methods of a user's launcher. Those that are plain functions may block: they run in threads."""

    def __init__(self, options: BaseLauncher) -> None:
        """`options`: an instance of the user's class. LaunchError: it lacks a method."""
        missing = [name for name in _METHODS if not callable(getattr(options, name, None))]
        if missing:
            raise LaunchError(
                f"{_path(options)} starts nothing by itself: it lacks {', '.join(missing)}. Derive it from a launcher "
                "that does, such as SlurmEngineSetLauncher, or write the methods start, poll, signal and stop"
            )
        self._options = options

    async def start(self, command: Command) -> Handle:
        handle: Handle = await self._call("start", command)
        try:
            json.dumps(handle)
        except (TypeError, ValueError):
            handle = None  # type: ignore[assignment]  # as wrong as anything else
        if not isinstance(handle, dict):
            raise LaunchError(
                f"{_path(self._options)}.start must return a dict of JSON values, by which what was started is found "
                "again: pids, ids of jobs"
            )
        return handle

    async def poll(self, handle: Handle) -> Status:
        status = await self._call("poll", handle)
        if not isinstance(status, Status):
            raise LaunchError(f"{_path(self._options)}.poll must return a Status, not {status!r}")
        return status

    async def poll_all(self, handles: Sequence[Handle]) -> Sequence[Status | LaunchError]:
        """Ask the user's `poll_all` if there is one, else `poll` about each."""
        if not callable(getattr(self._options, "poll_all", None)):
            return await super().poll_all(handles)
        said = await self._call("poll_all", handles)
        path, wanted = _path(self._options), f"a Status for each of {len(handles)} handles"
        if not isinstance(said, Sequence) or len(said) != len(handles):
            raise LaunchError(f"{path}.poll_all must return {wanted}, not {said!r}")
        return [
            each
            if isinstance(each, Status | LaunchError)
            else LaunchError(f"{path}.poll_all must return {wanted}, and not {each!r} among them")
            for each in said
        ]

    async def signal(self, handle: Handle, signum: int) -> None:
        await self._call("signal", handle, signum)

    async def stop(self, handle: Handle) -> None:
        await self._call("stop", handle)

    async def describe(self, command: Command) -> str:
        """Return, for people, what would be started: as the user's own `describe` says, or the command."""
        if callable(getattr(self._options, "describe", None)):
            return str(await self._call("describe", command))
        return as_text(command)

    async def _call(self, name: str, *arguments: Any) -> Any:
        method = getattr(self._options, name)
        try:
            if inspect.iscoroutinefunction(method):
                return await method(*arguments)
            return await asyncio.to_thread(method, *arguments)
        except LaunchError:
            raise
        except Exception as error:
            log.exception("a launcher of the user's own failed: %s", name)
            raise LaunchError(f"{_path(self._options)}.{name} failed: {type(error).__name__}: {error}") from error


def own_launcher(options: BaseLauncher, shared: dict[str, Any]) -> OwnLauncher:
    """Return what calls the methods of `options`. LaunchError: it lacks one."""
    del shared
    return OwnLauncher(options)


def _path(options: BaseLauncher) -> str:
    return f"{type(options).__module__}.{type(options).__qualname__}"
