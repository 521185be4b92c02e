"""What other users could have written is not run, believed or written to; what they could read is made private."""

from __future__ import annotations

import grp
import logging
import os
import pwd
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engineroom.cluster.records.job_records import JobRecord, JobRecords, all_records
from engineroom.cluster.records.pid_records import claim, read
from engineroom.errors import ConnectionFileError
from engineroom.machine import own_files
from engineroom.machine.own_files import (
    UnsafeFile,
    append_to,
    make_directory,
    read_code,
    read_own,
    read_secret,
    write_new,
)
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.option import OptionError
from engineroom.settings.profiles import Profile, ProfileError
from engineroom.settings.reading import read_config_files

ANOTHER = 65534

Read = Callable[[Path], bytes]


class Found:
    """What `os.stat` tells of a file."""

    def __init__(self, st_uid: int, st_mode: int) -> None:
        self.st_uid, self.st_mode = st_uid, st_mode


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "place"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def as_another(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Be, as far as our own questions go, somebody to whom the files made until now do not belong."""

    def switch() -> None:
        monkeypatch.setattr(own_files.os, "geteuid", lambda: 12345)
        monkeypatch.setattr(own_files, "ROOT", -1)

    return switch


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("read", [read_code, read_secret, read_own])
def test_a_file_of_another_user_is_not_read(place: Path, read: Read, as_another: Callable[[], None]) -> None:
    write_new(place / "file", b"contents")
    assert read(place / "file") == b"contents"
    as_another()
    with pytest.raises(UnsafeFile, match=r"file is not used: it belongs to .*make a copy"):
        read(place / "file")


@pytest.mark.parametrize("read", [read_code, read_secret])
@pytest.mark.parametrize("loose", [0o666, 0o602, 0o777])
def test_a_file_that_everybody_can_write_is_not_read_and_the_command_is_named(
    place: Path, read: Read, loose: int
) -> None:
    write_new(place / "file", b"contents")
    (place / "file").chmod(loose)
    with pytest.raises(UnsafeFile, match=rf"mode {loose:o}.*`chmod"):
        read(place / "file")
    assert mode(place / "file") == loose


@pytest.mark.parametrize("loose", [0o644, 0o640, 0o604, 0o660, 0o755])
def test_a_secret_that_others_can_read_is_made_private_and_that_is_said(
    place: Path, loose: int, caplog: pytest.LogCaptureFixture
) -> None:
    write_new(place / "key", b"secret")
    (place / "key").chmod(loose)
    assert read_secret(place / "key") == b"secret"
    assert mode(place / "key") == 0o600
    assert f"from {loose:o} to 600" in caplog.text
    assert "secret in it" in caplog.text


@pytest.mark.parametrize("read", [read_secret, read_code, read_own])
def test_a_directory_is_refused_and_stays_as_it_is(place: Path, read: Read) -> None:
    place.chmod(0o755)
    with pytest.raises(IsADirectoryError):
        read(place)
    assert mode(place) == 0o755


@pytest.mark.parametrize("content", ["", "my notes", '{"url": "tcp://127.0.0.1:1"}', "[1, 2]"])
def test_a_file_that_somebody_took_for_a_connection_file_stays_as_it_is(place: Path, content: str) -> None:
    (place / "notes").write_text(content)
    for loose in (0o644, 0o755):
        (place / "notes").chmod(loose)
        with pytest.raises(ConnectionFileError):
            read_connection_file(place / "notes")
        assert mode(place / "notes") == loose


def test_a_secret_that_can_not_be_made_private_is_used_with_a_warning(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On a file system without modes, or one that is read-only."""
    write_new(place / "key", b"secret")
    (place / "key").chmod(0o644)
    monkeypatch.setattr(own_files.os, "fchmod", lambda *_: None)
    assert read_secret(place / "key") == b"secret"
    assert "other users can read" in caplog.text


def test_code_in_a_directory_that_everybody_can_write_in_is_not_run(place: Path) -> None:
    write_new(place / "code.py", b"")
    place.chmod(0o777)
    with pytest.raises(UnsafeFile, match=rf"every user can replace it.*chmod o-w {place}"):
        read_code(place / "code.py")
    place.chmod(0o1777)  # there only its owner can replace a file
    assert read_code(place / "code.py") == b""


def test_a_profile_that_everybody_can_write_in_is_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    profile = tmp_path / "profile_mine"
    profile.mkdir()
    write_new(profile / "ipcluster_config.py", b"")
    profile.chmod(0o777)
    assert read_code(profile / "ipcluster_config.py") == b""
    assert mode(profile) == 0o755
    assert "from 777 to 755" in caplog.text


def test_code_that_a_group_can_write_is_run_with_a_warning(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_new(place / "code.py", b"")
    (place / "code.py").chmod(0o660)
    group, members = pwd.getpwuid(os.getuid()).pw_gid, list[str]()
    os.chown(place / "code.py", -1, group)
    monkeypatch.setattr(grp, "getgrgid", lambda _: grp.struct_group(("ours", "x", group, members)))
    assert read_code(place / "code.py") == b""
    assert caplog.text == ""
    members.append("another")
    assert read_code(place / "code.py") == b""
    assert "can write in it" in caplog.text


def test_a_pid_file_and_a_list_of_jobs_of_another_user_are_not_believed(
    tmp_path: Path, as_another: Callable[[], None]
) -> None:
    profile = Profile(tmp_path)
    profile.prepare()
    claim(profile.pid_file("ipcluster"), program="ipcluster", way_out="")
    records = JobRecords.of_this_process(profile, "", "host")
    records.add(JobRecord(system="Slurm", role="engine", job="1", cancel=["rm"]))
    assert read(profile.pid_file("ipcluster")) is not None
    assert len(list(all_records(profile))) == 1
    as_another()
    assert read(profile.pid_file("ipcluster")) is None
    assert list(all_records(profile)) == []


@pytest.mark.parametrize("name", ["ipcluster_config.py", "ipcluster_config.json", "other.py"])
def test_options_of_another_user_are_refused_in_words(place: Path, name: str, as_another: Callable[[], None]) -> None:
    write_new(place / name, b"{}")
    read_config_files([place / name])
    as_another()
    with pytest.raises(OptionError, match=r"it belongs to .*, and it would be executed") as refusal:
        read_config_files([place / name])
    assert "UnsafeFile" not in str(refusal.value)


def test_a_file_that_options_hand_on_to_is_looked_at_too(place: Path) -> None:
    write_new(place / "one.py", b"load_subconfig('two.py')")
    write_new(place / "two.py", b"")
    (place / "two.py").chmod(0o666)
    with pytest.raises(OptionError, match=r"two\.py.*every user can write"):
        read_config_files([place / "one.py"])


def test_a_connection_file_that_others_could_have_written_is_refused_in_words(place: Path) -> None:
    write_new(place / "ipcontroller-client.json", b"{}")
    (place / "ipcontroller-client.json").chmod(0o646)
    with pytest.raises(ConnectionFileError, match="every user can write"):
        read_connection_file(place / "ipcontroller-client.json")


def test_root_uses_what_belongs_to_another_only_if_its_directory_does_too(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In a container, or in a home that its server shows as somebody else's."""
    monkeypatch.setattr(own_files.os, "geteuid", lambda: 0)
    monkeypatch.setattr(own_files.os, "stat", lambda _: Found(4711, 0o40700))
    assert not own_files.is_anothers(Found(4711, 0o100600), place)
    assert f"{place} belongs to user 4711" in caplog.text
    assert own_files.is_anothers(Found(4712, 0o100600), place)
    monkeypatch.setattr(own_files.os, "stat", lambda _: Found(4711, 0o41777))
    assert own_files.is_anothers(Found(4711, 0o100600), place)


LINKS_AND_OTHERS: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "directory": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", LINKS_AND_OTHERS)
def test_what_is_no_file_is_not_written(place: Path, kind: str) -> None:
    LINKS_AND_OTHERS[kind](place / "log")
    with pytest.raises(OSError, match="log"):
        append_to(place / "log")


def test_a_pipe_that_somebody_reads_is_not_written_either(place: Path) -> None:
    os.mkfifo(place / "log")
    reader = os.open(place / "log", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(UnsafeFile, match="no regular file"):
        append_to(place / "log")
    os.close(reader)


def test_a_link_in_a_directory_of_others_is_not_followed(place: Path, tmp_path: Path) -> None:
    place.chmod(0o777)
    (place / "log").symlink_to(tmp_path / "bashrc")
    with pytest.raises(UnsafeFile, match=r"log is not written: it is a symbolic link"):
        append_to(place / "log")
    assert not (tmp_path / "bashrc").exists()


def test_a_second_name_of_a_file_of_ours_is_not_written_in_a_directory_of_others(place: Path, tmp_path: Path) -> None:
    write_new(tmp_path / "bashrc", b"")
    place.chmod(0o777)
    (place / "log").hardlink_to(tmp_path / "bashrc")
    with pytest.raises(UnsafeFile, match="another name elsewhere"):
        append_to(place / "log")


def test_a_link_of_ours_in_a_directory_of_ours_is_followed(place: Path, tmp_path: Path) -> None:
    (place / "log").symlink_to(tmp_path / "elsewhere.log")
    os.close(append_to(place / "log"))
    assert mode(tmp_path / "elsewhere.log") == 0o600
    (place / "null").symlink_to(os.devnull)
    os.close(append_to(place / "null", anew=True))


def test_a_file_is_appended_to_or_begun_anew(place: Path) -> None:
    for text, anew in (("one", False), ("two", False), ("three", True)):
        with open(append_to(place / "log", anew=anew), "a", encoding="utf-8") as file:
            file.write(text)
    assert (place / "log").read_text(encoding="utf-8") == "three"
    os.close(append_to(os.devnull))


def test_a_refusal_costs_no_descriptor(place: Path) -> None:
    place.chmod(0o777)
    (place / "log").symlink_to("nowhere")
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        with pytest.raises(UnsafeFile):
            append_to(place / "log")
    assert len(os.listdir("/dev/fd")) == before


def test_what_was_looked_at_is_what_is_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever replaces the file after the look does not have the new one read."""
    write_new(place / "code.py", b"ours")
    path, look = place / "code.py", os.fstat

    def look_and_replace(descriptor: int) -> os.stat_result:
        found = look(descriptor)
        monkeypatch.setattr(os, "fstat", look)
        path.rename(path.with_suffix(".old"))
        path.write_bytes(b"theirs")
        return found

    monkeypatch.setattr(os, "fstat", look_and_replace)
    assert read_code(path) == b"ours"
    assert path.read_bytes() == b"theirs"


@pytest.mark.usefixtures("no_umask")
def test_directories_are_private_whatever_the_umask(tmp_path: Path) -> None:
    make_directory(tmp_path / "one" / "two" / "three")
    assert [mode(tmp_path / each) for each in ("one", "one/two", "one/two/three")] == [0o700] * 3


def test_a_directory_that_several_make_at_once_is_there(tmp_path: Path) -> None:
    threads = [threading.Thread(target=make_directory, args=[tmp_path / "a" / "b" / "c"]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "a" / "b" / "c").is_dir()


@pytest.mark.usefixtures("no_umask")
def test_all_of_a_profile_is_private_whatever_the_umask(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "ipython" / "profile_mine")
    profile.prepare()
    made = [profile.path.parent, profile.path, profile.log_dir, profile.pid_dir, profile.security_dir]
    assert [mode(each) for each in made] == [0o700] * 5


@pytest.mark.usefixtures("no_umask")
def test_a_profile_of_ours_that_was_open_to_all_is_closed_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    profile = Profile(tmp_path / "profile_mine")
    for each in (profile.path, profile.log_dir, profile.pid_dir, profile.security_dir):
        each.mkdir(mode=0o777)
    with caplog.at_level(logging.WARNING):
        profile.prepare()
    assert [mode(each) for each in (profile.path, profile.log_dir, profile.pid_dir)] == [0o755] * 3
    assert mode(profile.security_dir) == 0o700
    assert len(caplog.records) == 4


def test_keys_are_not_put_into_a_directory_of_another_user(tmp_path: Path, as_another: Callable[[], None]) -> None:
    profile = Profile(tmp_path / "profile_mine")
    profile.prepare()
    as_another()
    with pytest.raises(ProfileError, match=r"security belongs to"):
        profile.prepare()
