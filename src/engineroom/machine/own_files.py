"""Files that we run, believe or write, opened so that no other user of the machine can have changed or diverted them.

What counts is the file that was opened, not its path, which may mean another file a moment later.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from engineroom.errors import LaunchError

log = logging.getLogger(__name__)

ROOT = 0
"""The user who can change everything anyhow."""

HAVE_OWNERS = hasattr(os, "geteuid")
"""Whether files have owners and modes on this platform."""


class UnsafeFile(LaunchError, PermissionError):
    """Another user could have written a file, or can read it, or wants us to write to it."""


def read_code(path: Path) -> bytes:
    """Return the contents of a file that is to be executed, or that names what is; UnsafeFile, OSError."""
    with _opened(path) as (descriptor, found):
        _check_owner(path, found, "it would be executed")
        if found.st_mode & 0o002:
            raise UnsafeFile(
                f"{path} is not used: every user can write in it (mode {_mode(found):o}), and it would be executed. "
                f"Look at what it contains, then run `chmod go-w {path}`"
            )
        _check_directory(path)
        if found.st_mode & 0o020 and not _is_private_group(found):
            _warn_once(f"{path} would be executed, and members of {_group(found.st_gid)} can write in it")
        return _contents(descriptor)


def read_secret(path: Path, *, sign: bytes = b"") -> bytes:
    """Return the contents of a file that holds a secret. One of ours that others can read is made private, with a word.

    `sign`: what is in each such file; another file, whose name somebody mistook, stays as it is. UnsafeFile: another
    user could have written it. OSError.
    """
    with _opened(path) as (descriptor, found):
        _check_owner(path, found, "whoever wrote it would decide whom you connect to")
        if found.st_mode & 0o002:
            raise UnsafeFile(
                f"{path} is not used: every user can write in it (mode {_mode(found):o}). Run `chmod 600 {path}`, and "
                "copy it again from the security directory of the controller's profile if you are not sure of it"
            )
        contents = _contents(descriptor)
        if found.st_mode & 0o077 and HAVE_OWNERS and stat.S_ISREG(found.st_mode) and sign in contents:
            _make_private(path, descriptor, found)
        return contents


def read_own(path: Path) -> bytes:
    """Return the contents of a file of ours about processes and jobs; UnsafeFile: another user wrote it. OSError."""
    with _opened(path) as (descriptor, found):
        _check_owner(path, found, "it says which processes to end")
        return _contents(descriptor)


def append_to(path: str | os.PathLike[str], *, anew: bool = False) -> int:
    """Return a descriptor that appends to a file of ours, which is made with mode 600; `anew`: an empty one.

    UnsafeFile: a link that others could have put there, or a file of another user. OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if anew else 0)
    if not HAVE_OWNERS:
        return os.open(path, flags, 0o600)
    follow = _leads_where_we_want(path)
    # Without waiting: for the far end of a pipe that somebody made, one would wait for ever.
    flags |= os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags & ~os.O_TRUNC, 0o600)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENXIO}:
            raise
        raise _diverted(path, "a symbolic link" if error.errno == errno.ELOOP else "a pipe") from None
    try:
        _check_written(path, os.fstat(descriptor))
        if anew:
            with contextlib.suppress(OSError):  # /dev/null
                os.ftruncate(descriptor, 0)
        os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_new(path: Path, data: bytes) -> None:
    """Write a file of ours, whatever the umask with mode 600; UnsafeFile, OSError as `append_to`."""
    with os.fdopen(append_to(path, anew=True), "wb") as file:
        file.write(data)


def make_directory(directory: Path) -> None:
    """Make a directory, and those above it that are missing, for their owner only, whatever the umask."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    if not directory.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))


def close_to_others(directory: Path, *, private: bool = False) -> None:
    """Let no other user write in a directory of ours, if all of them could, with a word; `private`: nor enter it."""
    if not HAVE_OWNERS:
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = os.fstat(descriptor)
        mode = _mode(found)
        if found.st_uid != os.geteuid() or not mode & (0o077 if private else 0o002) or mode & stat.S_ISVTX:
            return
        closed = mode & ~(0o077 if private else 0o022)
        os.fchmod(descriptor, closed)
        log.warning("changed the mode of %s from %o to %o: others had access to it", directory, mode, closed)
    finally:
        os.close(descriptor)


def is_anothers(found: os.stat_result, place: Path) -> bool:
    """Whether a file or directory in `place` is that of a user whom we have no reason to trust.

    Root may be in a container, or in a home that a server shows as somebody else's: then it uses what is there, if
    `place` is of the same owner. It is warned.
    """
    if not HAVE_OWNERS or found.st_uid in {ROOT, os.geteuid()}:
        return False
    if os.geteuid() != ROOT:
        return True
    around = os.stat(place)
    if around.st_uid != found.st_uid or around.st_mode & 0o002:
        return True
    _warn_once(f"{place} belongs to {user(found.st_uid)}, who can read and change what you keep there")
    return False


def user(uid: int) -> str:
    """Return who that is, in words."""
    import pwd  # not on every platform, and only needed to word an error

    try:
        return f"{pwd.getpwuid(uid).pw_name!r}"
    except KeyError:
        return f"user {uid}"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[int, os.stat_result]]:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if HAVE_OWNERS:
            os.set_blocking(descriptor, True)
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):  # before anybody changes its mode
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        yield descriptor, found
    finally:
        os.close(descriptor)


def _contents(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()


def _check_owner(path: Path, found: os.stat_result, why: str) -> None:
    if is_anothers(found, path.absolute().parent):
        raise UnsafeFile(
            f"{path} is not used: it belongs to {user(found.st_uid)}, not to you ({user(os.geteuid())}), and {why}. "
            "If you trust what it contains, make a copy of your own, and use that"
        )


def _check_directory(path: Path) -> None:
    """Have no other user put files into the directory of `path`."""
    place = path.absolute().parent
    if place.name.startswith("profile_") or (place / "security").is_dir():
        close_to_others(place)  # a profile of ours, which nobody else is meant to write in
    found = os.stat(place)
    if HAVE_OWNERS and found.st_mode & 0o002 and not found.st_mode & stat.S_ISVTX:
        raise UnsafeFile(
            f"{path} is not used: it would be executed, and every user can replace it, because {place} is writable "
            f"by all (mode {_mode(found):o}). Move it to a directory of your own, or run `chmod o-w {place}`"
        )


def _make_private(path: Path, descriptor: int, found: os.stat_result) -> None:
    words = f"other users can read {path} (mode {_mode(found):o})"
    if found.st_uid == os.geteuid():
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o600)
            if not os.fstat(descriptor).st_mode & 0o077:
                _warn_once(
                    f"changed the mode of {path} from {_mode(found):o} to 600: other users could read the secret in "
                    "it. If they may have, remove it and start the cluster again, which makes new keys"
                )
                return
    _warn_once(f"{words}: whoever has the secret in it can use the cluster as you can")


def _leads_where_we_want(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a link of ours that nobody else can replace."""
    try:
        link = os.lstat(path)
    except OSError:
        return False
    if not stat.S_ISLNK(link.st_mode) or link.st_uid not in {ROOT, os.geteuid()}:
        return False
    place = os.stat(os.path.dirname(os.path.abspath(path)))
    return place.st_uid in {ROOT, os.geteuid()} and (not place.st_mode & 0o022 or bool(place.st_mode & stat.S_ISVTX))


def _check_written(path: str | os.PathLike[str], found: os.stat_result) -> None:
    if stat.S_ISCHR(found.st_mode):
        return  # a terminal, or /dev/null
    if not stat.S_ISREG(found.st_mode):
        raise _diverted(path, "no regular file")
    place = Path(os.path.abspath(path)).parent
    if is_anothers(found, place):
        raise _diverted(path, f"a file of {user(found.st_uid)}")
    if found.st_nlink > 1 and os.stat(place).st_mode & 0o002:
        raise _diverted(path, "a file that has another name elsewhere")


def _diverted(path: str | os.PathLike[str], what: str) -> UnsafeFile:
    return UnsafeFile(
        f"{os.fspath(path)} is not written: it is {what}, which another user may have put there. Remove it, or choose "
        "another place"
    )


def _is_private_group(found: os.stat_result) -> bool:
    """Whether nobody but the owner is in the group of a file, as far as the machine tells."""
    import grp  # not on every platform, and seldom needed
    import pwd

    try:
        owner, members = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid).gr_mem
    except KeyError:
        return False
    return owner.pw_gid == found.st_gid and set(members) <= {owner.pw_name}


def _group(gid: int) -> str:
    import grp  # as above

    try:
        return f"group {grp.getgrgid(gid).gr_name!r}"
    except KeyError:
        return f"group {gid}"


def _mode(found: os.stat_result) -> int:
    return stat.S_IMODE(found.st_mode)


@functools.cache
def _warn_once(words: str) -> None:
    log.warning("%s", words)
