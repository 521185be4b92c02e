"""Whoever takes the usual place for sockets first keeps nobody from having sockets, and from stopping a cluster."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom.transport.socket_places import (
    NoSocketDirectory,
    check_private,
    find_socket,
    make_private,
    socket_directories,
    socket_directory,
    watched_directories,
)

ANOTHER = 65534


@pytest.fixture
def tmp() -> Iterator[Path]:
    """A directory with a path that is short enough for sockets."""
    made = Path(tempfile.mkdtemp(prefix="er-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def place(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place that the user named, which is not there yet."""
    monkeypatch.setenv("ENGINEROOM_SOCKET_DIR", str(tmp / "named"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp))
    return tmp / "named"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def a_file(place: Path) -> None:
    place.touch()


def a_link_of_another(place: Path) -> None:
    """It leads to a directory of ours."""
    (place.parent / "ours").mkdir(mode=0o700)
    place.symlink_to("ours")
    os.chown(place, ANOTHER, ANOTHER, follow_symlinks=False)


def a_dangling_link_of_another(place: Path) -> None:
    place.symlink_to("nowhere")
    os.chown(place, ANOTHER, ANOTHER, follow_symlinks=False)


def a_directory_of_another(place: Path) -> None:
    place.mkdir(mode=0o700)
    os.chown(place, ANOTHER, ANOTHER)


TAKEN: list[Callable[[Path], None]] = [a_file]
if os.getuid() == 0:  # nobody else can make what belongs to another
    TAKEN += [a_link_of_another, a_dangling_link_of_another, a_directory_of_another]


def test_who_names_a_directory_looks_after_no_other(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another = place.parent / "engineroom"
    another.mkdir(mode=0o700)
    assert another in watched_directories()
    place.mkdir(mode=0o700)
    assert list(watched_directories()) == [place]
    assert another in socket_directories()
    monkeypatch.delenv("ENGINEROOM_SOCKET_DIR")
    assert another in watched_directories()


def test_the_directory_is_made_private_whatever_the_umask(place: Path) -> None:
    before = os.umask(0o277)
    try:
        assert socket_directory() == place
    finally:
        os.umask(before)
    assert mode(place) == 0o700


@pytest.mark.parametrize("loose", [0o755, 0o777, 0o1777, 0o750, 0o701, 0o000, 0o500])
def test_a_directory_of_ours_is_mended_with_a_word(place: Path, loose: int) -> None:
    place.mkdir()
    place.chmod(loose)
    said: list[str] = []
    assert socket_directory(said.append) == place
    assert mode(place) == 0o700
    assert len(said) == 1
    assert str(place) in said[0]
    assert f"{loose:o}" in said[0]


def test_sockets_that_are_there_already_do_not_keep_a_directory_from_being_mended(place: Path) -> None:
    place.mkdir()
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(place / "0123.sock"))
    place.chmod(0o755)
    assert socket_directory() == place
    assert mode(place) == 0o700


@pytest.mark.parametrize("loose", [0o755, 0o1777])
def test_a_directory_that_has_other_files_stays_as_it_is_and_a_private_one_is_made_in_it(
    place: Path, loose: int
) -> None:
    """As $HOME or /tmp would be, if somebody named these."""
    place.mkdir()
    place.chmod(loose)
    (place / "letter.txt").touch()
    chosen = socket_directory()
    assert chosen == place / f"engineroom-{os.getuid()}"
    assert (mode(place), mode(chosen)) == (loose, 0o700)


@pytest.mark.parametrize("take", TAKEN)
def test_a_place_that_is_taken_is_left_for_another_which_is_said_once(
    place: Path, take: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    take(place)
    with caplog.at_level(logging.WARNING):
        chosen = {socket_directory(), socket_directory()}
    assert len(chosen) == 1
    [directory] = chosen
    assert directory != place
    assert mode(directory) == 0o700
    [record] = caplog.records
    assert str(place) in record.message
    assert str(directory) in record.message
    assert "ENGINEROOM_SOCKET_DIR" in record.message


def test_a_link_of_ours_leads_where_we_want(tmp: Path, place: Path) -> None:
    (tmp / "real").mkdir()
    place.symlink_to("real")
    assert socket_directory() == tmp / "real"


@pytest.mark.parametrize("name", ["relative", "/tmp/" + "x" * 80, "/nowhere/at/all"])
def test_a_place_that_can_not_be_used_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("ENGINEROOM_SOCKET_DIR", name)
    said: list[str] = []
    assert socket_directory(said.append).is_dir()
    [words] = said
    assert name in words


def test_with_no_place_at_all_the_error_says_why_and_what_can_be_set() -> None:
    with pytest.raises(NoSocketDirectory, match=r"/proc/no.*/dev/null is not a directory.*ENGINEROOM_SOCKET_DIR"):
        socket_directory(places=[Path("/proc/no"), Path("/dev/null")])


def test_a_socket_is_found_where_it_is_after_the_usual_place_has_become_free(place: Path) -> None:
    place.touch()
    elsewhere = socket_directory()
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(elsewhere / "0123.host"))
        place.unlink()
        assert socket_directory() == place
        assert find_socket("0123.host") == elsewhere / "0123.host"
        assert {place, elsewhere} <= set(socket_directories())
        (elsewhere / "0123.host").unlink()
    assert find_socket("0123.host") == place / "0123.host"


def test_looking_for_sockets_makes_and_mends_nothing(place: Path) -> None:
    list(socket_directories())
    assert not place.exists()
    place.mkdir(mode=0o755)
    assert place in socket_directories()
    assert mode(place) == 0o755


def test_a_peer_mends_the_directory_that_it_connects_in_but_not_one_of_another(place: Path) -> None:
    place.mkdir(mode=0o755)
    check_private(place)
    assert mode(place) == 0o700
    place.chmod(0o777)
    with pytest.raises(PermissionError, match=r"other users can write.*ENGINEROOM_SOCKET_DIR"):
        check_private(place)
    with pytest.raises(FileNotFoundError):
        check_private(place / "not-there")
    (place / "file").touch()
    with pytest.raises(PermissionError, match=r"is not a directory.*ENGINEROOM_SOCKET_DIR"):
        check_private(place / "file")


def test_making_it_private_does_not_follow_links(tmp: Path) -> None:
    (tmp / "ours").mkdir(mode=0o755)
    (tmp / "link").symlink_to("ours")
    with pytest.raises(PermissionError, match="is a symbolic link"):
        make_private(tmp / "link")
    assert mode(tmp / "ours") == 0o755
