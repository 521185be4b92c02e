"""Where this user's Unix sockets are: a directory that nobody else can enter, whatever others have put in its place."""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

VARIABLE = "ENGINEROOM_SOCKET_DIR"
"""The environment variable that names the directory."""

CHOOSE = f"Set {VARIABLE} to a directory of your own with mode 700"

_LONGEST = 83
"""Bytes of a directory's path: the whole path of a socket must stay below 108 (unix(7))."""

_SUFFIXES = frozenset({".sock", ".host", ".tunnel", ".ssh", ".remote", ".new"})

_ELSEWHERE_IN_TMP = 4
"""Further names in /tmp that are tried, when others have taken everything else."""

log = logging.getLogger(__name__)


class NoSocketDirectory(OSError):
    """No directory can be had for sockets."""


def socket_directory(say: Callable[[str], None] | None = None, places: Iterable[Path] | None = None) -> Path:
    """Return the directory for new sockets: private, and made now if need be.

    `say`: is told what was wrong with it, or with places that come before; by default the log is, once. `places`: those
    to try, in order; by default the usual ones.
    NoSocketDirectory: none of the places can be used; the message says why.
    """
    say = say or _say_once
    problems: list[str] = []
    for place in _candidates() if places is None else places:
        try:
            _check_name(place)
            mended = make_private(place)
        except OSError as error:
            problems.append(problem_with(place, error))
            continue
        if problems:
            say(f"{'; '.join(problems)}. Sockets are in {place} instead. {CHOOSE} to choose another place")
        elif mended:
            say(mended)
        return place
    raise NoSocketDirectory(f"there is no directory for Unix sockets: {'; '.join(problems)}. {CHOOSE}")


def socket_directories() -> Iterator[Path]:
    """Yield every directory in which sockets of ours may be, the usual one first; nothing is made or changed."""
    for place in _candidates():
        with contextlib.suppress(OSError):
            _check_name(place)
            _check_owner(place, place.lstat())
            yield place


def watched_directories() -> Iterator[Path]:
    """Yield those whose sockets are listed and cleared away: only the named one, if there is one that can be used.

    Whoever names a directory keeps what is in it apart from all else that this user runs.
    """
    named = _named()
    found = list(socket_directories())
    yield from [place for place in found if place in named] or found


def find_socket(name: str) -> Path:
    """Return the path of the socket `name`: where it is, or else where it would be."""
    usual = None
    for place in socket_directories():
        usual = usual or place / name
        if (place / name).is_socket():
            return place / name
    return usual or next(_candidates()) / name


def make_private(directory: Path) -> str:
    """Have `directory` exist, ours, with mode 700; return what was mended, in words, "" if it was so already.

    PermissionError: it is somebody else's, or is not a directory, or has more than our sockets in it, so that others
    may need it as it is. OSError: it can't be made.
    """
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    # By a descriptor: what was looked at is what is changed.
    descriptor = _opened(directory)
    try:
        found = os.fstat(descriptor)
        _check_owner(directory, found)
        mode = stat.S_IMODE(found.st_mode)
        if mode == 0o700:
            return ""
        words = f"{directory} is accessible to other users (mode {mode:o} instead of 700)"
        if not all(Path(name).suffix in _SUFFIXES for name in os.listdir(descriptor)):
            raise PermissionError(f"{words}, and it contains more than sockets")
        os.fchmod(descriptor, 0o700)
        return f"changed the mode of {directory} from {mode:o} to 700: it was accessible to other users"
    finally:
        os.close(descriptor)


def check_private(directory: Path) -> None:
    """Raise OSError, with the reason, unless `directory` is there, ours, and nobody else can enter it (any more).

    One that others could have written in is not mended here: what we look for in it may be theirs.
    """
    try:
        found = directory.lstat()
        if found.st_mode & 0o022 and found.st_uid == os.getuid():
            mode = stat.S_IMODE(found.st_mode)
            raise PermissionError(f"other users can write in {directory} (mode {mode:o} instead of 700)")
        if mended := make_private(directory):
            _say_once(mended)
    except PermissionError as error:
        raise PermissionError(f"{problem_with(directory, error)}. {CHOOSE}") from None


def problem_with(place: Path, error: OSError) -> str:
    """Return what is wrong with the directory `place`, in words that name it."""
    words = error.strerror if error.errno and error.strerror else str(error)
    return words if str(place) in words else f"{place} can't be used: {words}"


def _candidates() -> Iterator[Path]:
    """Yield the places to try: always the same ones in the same order, so that processes of one user meet."""
    usual = _usual_name()
    names = [f"/tmp/{usual}", f"/run/user/{os.getuid()}/engineroom"]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        names.append(f"{runtime}/engineroom")
    names += [f"/tmp/{usual}-{number}" for number in range(2, 2 + _ELSEWHERE_IN_TMP)]
    yield from dict.fromkeys((*_named(), *map(Path, names)))


def _named() -> list[Path]:
    """Return the places that the user has named, [] if there is none."""
    told = os.environ.get(VARIABLE)
    if not told:
        return []
    if os.path.islink(told) and os.lstat(told).st_uid == os.getuid():
        told = os.path.realpath(told)
    return [Path(told), *([Path(told, _usual_name())] if _is_shared_safely(told) else [])]


def _usual_name() -> str:
    return f"engineroom-{os.getuid()}"


def _is_shared_safely(place: str) -> bool:
    """Whether a directory of ours in `place` stays ours."""
    try:
        found = os.lstat(place)
    except OSError:
        return False
    kept = bool(found.st_mode & stat.S_ISVTX) or not found.st_mode & 0o022
    return stat.S_ISDIR(found.st_mode) and kept and found.st_uid in {0, os.getuid()}


def _check_name(directory: Path) -> None:
    if not directory.is_absolute():
        raise OSError(f"{directory} is not an absolute path")
    if len(os.fsencode(directory)) > _LONGEST:
        raise OSError(f"the path {directory} is too long for sockets (more than {_LONGEST} bytes)")


def _opened(directory: Path) -> int:
    try:
        return os.open(directory, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_DIRECTORY)
    except OSError as error:
        found = directory.lstat()
        _check_owner(directory, found)  # it may tell more
        if error.errno != errno.EACCES or found.st_mode & 0o500 == 0o500:
            raise
        os.chmod(directory, 0o700)  # one of ours which not even we may enter
        return os.open(directory, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_DIRECTORY)


def _check_owner(directory: Path, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise PermissionError(f"{directory} is a symbolic link")
    if not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{directory} is not a directory")
    if found.st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to user {found.st_uid}, not to you ({os.getuid()})")


@functools.cache
def _say_once(words: str) -> None:
    log.warning("%s", words)
