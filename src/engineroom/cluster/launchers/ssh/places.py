"""Which machines get how many engines, with which options: from the dictionary that users write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from traitlets import TraitError
from traitlets.config import Config

from engineroom.cluster.launchers.ssh.command import Place, place_in, place_of
from engineroom.errors import LaunchError
from engineroom.settings.launchers import SSHEngineSetLauncher, SSHLauncher, SSHProxyEngineSetLauncher

_WAYS = "a number, a pair of number and arguments for ipengine, or a dict with n and options of SSHLauncher"


class Share(msgspec.Struct, frozen=True):
    """What one machine gets: `n` engines, with `arguments` for ipengine, reached by `options`.

    `ipcluster`: None, or arguments for `ipcluster engines`, which starts them there. `any_number`: of the cluster's.
    """

    place: Place
    n: int
    arguments: list[str]
    options: Any
    ipcluster: list[str] | None = None
    any_number: bool = False


def shares_of(options: SSHEngineSetLauncher) -> list[Share]:
    """Return what each machine of `options.engines` gets; LaunchError says which entry makes no sense."""
    if not options.engines:
        raise LaunchError(
            "which machines? Set c.SSHEngineSetLauncher.engines = {'host1': 2, 'user@host2:port': 5} "
            "in ipcluster_config.py"
        )
    return [_share(options, str(host), value) for host, value in options.engines.items()]


def shares_of_proxy(options: SSHProxyEngineSetLauncher) -> list[Share]:
    """Return what the one machine of a proxy gets; its number is the cluster's."""
    own = SSHProxyEngineSetLauncher(**{name: getattr(options, name) for name in options.trait_names(config=True)})
    _take_python(own, own.ipcluster_cmd or own.engine_cmd, "ipcluster_cmd")
    return [Share(place_in(own), 0, [*own.engine_args], own, [*own.ipcluster_args], any_number=True)]


def count_in(engines: Mapping[str, Any]) -> int:
    """Return how many engines a dictionary means in all; entries that make no sense count nothing."""
    return sum(_count(value) or 0 for value in engines.values())


def count_of(options: Mapping[str, Any]) -> int | None:
    """Return how many engines `options`, those that are set, have for machines; None: they say nothing of machines."""
    return count_in(options["engines"]) if options.get("engines") else None


def given(n: int, shares: list[Share]) -> tuple[list[Share], str]:
    """Return which machines get how many of `n` engines, and a remark if these are fewer."""
    if n and all(share.any_number for share in shares):
        return [msgspec.structs.replace(share, n=n) for share in shares], ""
    total = sum(share.n for share in shares)
    return split(n, shares), f"c.SSHEngineSetLauncher.engines has {total} engines in all, and not {n}" * (n > total)


def split(n: int, shares: list[Share]) -> list[Share]:
    """Return the shares of the first `n` engines."""
    found, left = [], n
    for share in shares:
        if left <= 0:
            break
        found.append(msgspec.structs.replace(share, n=min(share.n, left)))
        left -= share.n
    return [share for share in found if share.n]


def _count(value: Any) -> int | None:
    match value:
        case bool():
            return None
        case int() | [int(), _] | [int()]:
            return int(value if isinstance(value, int) else value[0])
        case {"n": int(n)}:
            return n
        case Mapping():
            return 1
        case _:
            return None


def _share(options: SSHEngineSetLauncher, host: str, value: Any) -> Share:
    count = _count(value)
    if count is None or count < 0:
        raise LaunchError(f"engines of {host!r}: {value!r} is not {_WAYS}")
    own = _like(options)
    if isinstance(value, Mapping):
        for name, setting in value.items():
            if name != "n":
                _set(own, host, str(name), setting)
    _take_python(own, own.engine_cmd, "engine_cmd")
    named = bool(own.location or own.hostname)
    place = msgspec.structs.replace(place_in(own), name=host) if named else place_of(host)
    if own.user and not place.user:
        place = msgspec.structs.replace(place, user=own.user)
    return Share(place, count, _arguments(own, value), own)


def _take_python(options: SSHLauncher, command: Sequence[str], option: str) -> None:
    """Use the Python of a command that stands for ours: our own program has to run there."""
    match list(command):
        case []:
            return
        case [python, "-m", *_] | [python, "-P", "-m", *_]:
            options.remote_python = python
        case [program] if "/" in program:
            options.remote_python = f"{program.rpartition('/')[0]}/python"
        case _:
            raise LaunchError(
                f"{option} {list(command)}: with ssh, set remote_python to the Python there that has engineroom"
            )


def _arguments(options: SSHEngineSetLauncher, value: Any) -> list[str]:
    """Return the arguments for ipengine: those of a pair stand for those that all others get."""
    match value:
        case [_, str() as one]:
            return one.split()
        case [_, several]:
            return [str(each) for each in several]
        case _:
            return list(options.engine_args)


def _like(options: SSHEngineSetLauncher) -> SSHEngineSetLauncher:
    """Return options of one machine's own, without the place: that is in the dictionary."""
    names = [name for name in options.trait_names(config=True) if name not in {"engines", "hostname", "location"}]
    return SSHEngineSetLauncher(config=Config(), **{name: getattr(options, name) for name in names})


def _set(options: SSHLauncher, host: str, name: str, value: Any) -> None:
    if name not in options.trait_names(config=True) or name == "engines":
        known = ", ".join(sorted(set(SSHLauncher.class_trait_names(config=True)) | {"n", "engine_args"}))
        raise LaunchError(f"engines of {host!r}: there is no option {name!r}; there are {known}")
    try:
        setattr(options, name, value)
    except TraitError as error:
        raise LaunchError(f"engines of {host!r}: {error}") from error
