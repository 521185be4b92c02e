"""Profile directories: IPython's own, found without importing IPython.

A profile is `IPYTHONDIR/profile_NAME/`. What concerns clusters lives in its directories `security/` (keys and
connection files, for its owner only), `log/` and `pid/`, and in the files `ipcluster_config.py`,
`ipcontroller_config.py` and `ipengine_config.py`.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import NamedTuple, Self

from engineroom.errors import LaunchError
from engineroom.machine.homes import ELSEWHERE, NoHome, home
from engineroom.machine.own_files import close_to_others, is_anothers, make_directory, user

DEFAULT = "default"


class ProfileError(LaunchError, OSError):
    """A profile directory can't be used."""


def ipython_dir(given: str | os.PathLike[str] = "") -> Path:
    """Return IPython's directory: `given`, `$IPYTHONDIR`, `~/.ipython`, or an existing `~/.config/ipython`.

    NoHome: none of these is known.
    """
    told = os.fspath(given) or os.environ.get("IPYTHONDIR") or os.environ.get("IPYTHON_DIR")
    if told:
        return _absolute(told)
    usual = home() / ".ipython"
    older = Path(os.environ.get("XDG_CONFIG_HOME") or home() / ".config") / "ipython"
    return older if os.path.isdir(older) and not os.path.isdir(usual) else usual


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))  # resolve() would follow links


class ConnectionFiles(NamedTuple):
    """Where a controller writes how it can be reached: by clients, and by engines."""

    client: Path
    engine: Path

    @classmethod
    def within(cls, security_dir: Path, cluster_id: str = "", *, client: str = "", engine: str = "") -> Self:
        """Return the files in `security_dir`; `client`, `engine`: names that somebody chose for them."""
        usual = f"ipcontroller{tail(cluster_id)}"
        return cls(security_dir / (client or f"{usual}-client.json"), security_dir / (engine or f"{usual}-engine.json"))


class KeptFiles(NamedTuple):
    """What a controller keeps beside them for the one that goes on in its place."""

    certificate: Path
    key: Path
    engines: Path

    @classmethod
    def within(cls, security_dir: Path, cluster_id: str = "") -> Self:
        """Return the files in `security_dir`."""
        stem = f"ipcontroller{tail(cluster_id)}"
        return cls(*(security_dir / f"{stem}{end}" for end in (".crt", ".key", "-engines.jsonl")))

    @classmethod
    def passing(cls, security_dir: Path, cluster_id: str = "") -> tuple[Path, ...]:
        """Return those that go at its end. The certificate of a cluster with an id does: the next id may be another."""
        its = cls.within(security_dir, cluster_id)
        return its if cluster_id else (its.engines,)


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile directory, which need not exist yet."""

    path: Path

    @classmethod
    def find(
        cls,
        profile: str | None = None,
        *,
        profile_dir: str | os.PathLike[str] | None = None,
        ipython_dir: str | os.PathLike[str] | None = None,
    ) -> Profile:
        """Return the profile in `profile_dir`, or that called `profile`, or the one called "default".

        NoHome, ProfileError: nobody can say where it is, or it can't be looked into.
        """
        if profile_dir:
            return cls(_reachable(_absolute(os.fspath(profile_dir))))
        name = profile or DEFAULT
        if os.sep in name:
            raise ProfileError(f"{name!r} is not a valid profile name; to use a directory, pass --profile-dir")
        return cls(_reachable(_ipython_dir(ipython_dir or "") / f"profile_{name}"))

    @property
    def name(self) -> str:
        """The name by which `--profile` finds it, "" for a directory that it does not find."""
        try:
            by_name = self.path.name.startswith("profile_") and self.path.parent == ipython_dir()
        except NoHome:
            return ""
        return self.path.name.removeprefix("profile_") if by_name else ""

    @property
    def security_dir(self) -> Path:
        return self.path / "security"

    @property
    def log_dir(self) -> Path:
        return self.path / "log"

    @property
    def pid_dir(self) -> Path:
        return self.path / "pid"

    def connection_file(self, role: str, cluster_id: str = "") -> Path:
        """Return the path of the file by which peers of `role`, "client" or "engine", find a controller."""
        found: Path = getattr(self.connection_files(cluster_id), role)
        return found

    def connection_files(self, cluster_id: str = "", *, client: str = "", engine: str = "") -> ConnectionFiles:
        """Return the paths of both of these files; `client`, `engine`: names that somebody chose for them."""
        return ConnectionFiles.within(self.security_dir, cluster_id, client=client, engine=engine)

    def cluster_file(self, cluster_id: str = "") -> Path:
        return self.security_dir / f"cluster-{cluster_id}.json"

    def pid_file(self, program: str, cluster_id: str = "") -> Path:
        return self.pid_dir / f"{program}{tail(cluster_id)}.pid"

    def log_file(self, program: str, cluster_id: str = "", part: str = "") -> Path:
        return self.log_dir / f"{program}{tail(cluster_id)}{tail(part)}.log"

    def steps_file(self, cluster_id: str = "") -> Path:
        """Return the path of the file with the steps of the cluster's last start."""
        return self.log_dir / f"steps{tail(cluster_id)}.jsonl"

    def own_log_file(self, program: str, cluster_id: str = "") -> Path:
        """Return the log file of a program of which several may run, on several machines that share the directory."""
        return self.log_file(program, cluster_id, f"{socket.gethostname()}-{os.getpid()}")

    def options(self, cluster_id: str = "") -> str:
        """Return the command-line options that choose a cluster of this profile, as a shell wants them.

        "" for that without an id of the default profile.
        """
        found = []
        if not self.name:
            found.append(f"--profile-dir={quote(str(self.path))}")
        elif self.name != DEFAULT:
            found.append(f"--profile={quote(self.name)}")
        if cluster_id:
            found.append(f"--cluster-id={quote(cluster_id)}")
        return " ".join(found)

    def arguments(self, cluster_id: str = "") -> str:
        """Return the arguments by which `Client` and `Cluster.from_file` choose a cluster of this profile."""
        found = []
        if not self.name:
            found.append(f"profile_dir={str(self.path)!r}")
        elif self.name != DEFAULT:
            found.append(f"profile={self.name!r}")
        if cluster_id:
            found.append(f"cluster_id={cluster_id!r}")
        return ", ".join(found)

    def prepare(self) -> None:
        """Make the directories; ProfileError says why that can't be and what to do."""
        for directory in (self.path, self.log_dir, self.pid_dir, self.security_dir):
            _make(directory)
            if directory != self.security_dir:
                close_to_others(directory)
        _check_security(self.security_dir)
        for directory in (self.log_dir, self.pid_dir):
            _check_writable(directory)


def tail(part: str) -> str:
    """Return what `part` adds to a file's name: files without a cluster id have no dash."""
    if os.sep in part:
        raise ProfileError(
            f"{part!r} is not a valid cluster id: it becomes part of file names, so it must not contain {os.sep}"
        )
    return f"-{part}" if part else ""


def profiles(ipython_dir: str | os.PathLike[str] | None = None) -> list[Profile]:
    """Return all profiles in IPython's directory, by name."""
    place = _reachable(_ipython_dir(ipython_dir or ""))
    return [Profile(path) for path in sorted(place.glob("profile_*")) if path.is_dir()]


def _reachable(directory: Path) -> Path:
    """Return `directory`, which need not exist; ProfileError: whether it does can't be found out."""
    try:
        os.stat(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ProfileError(f"the profile directory {directory} can't be used: {error.strerror}. {ELSEWHERE}") from None
    return directory


def _make(directory: Path) -> None:
    try:
        make_directory(directory)
    except OSError as error:
        raise ProfileError(f"the profile directory {directory} can't be made: {error.strerror}. {ELSEWHERE}") from None


def _check_security(directory: Path) -> None:
    found = directory.stat()
    if is_anothers(found, directory.parent):
        raise ProfileError(
            f"{directory} belongs to {user(found.st_uid)}, not to you ({user(os.getuid())}): keys in it would be "
            "somebody else's. Start as that user, or choose another profile by --profile, --profile-dir or $IPYTHONDIR"
        )
    close_to_others(directory, private=True)
    _check_writable(directory)


def _check_writable(directory: Path) -> None:
    if not os.access(directory, os.W_OK | os.X_OK):
        raise ProfileError(
            f"{directory} is not writable for {user(os.getuid())}{_way_out(directory)} "
            "another profile by --profile, --profile-dir or $IPYTHONDIR"
        )


def _way_out(directory: Path) -> str:
    read_only = hasattr(os, "statvfs") and os.statvfs(directory).f_flag & os.ST_RDONLY
    return ": its file system is read-only. Choose" if read_only else ". Make it so (chmod u+rwx), or choose"


_ipython_dir = ipython_dir
