"""Where profiles are, and which are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engineroom.settings.profiles import Profile, ProfileError, ipython_dir, profiles


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory without IPython."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("IPYTHONDIR", "IPYTHON_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_ipython_lives_in_the_home_directory(home: Path) -> None:
    assert ipython_dir() == home / ".ipython"


def test_an_existing_older_place_is_used(home: Path) -> None:
    (home / ".config" / "ipython").mkdir(parents=True)
    assert ipython_dir() == home / ".config" / "ipython"
    (home / ".ipython").mkdir()
    assert ipython_dir() == home / ".ipython"


def test_the_environment_and_an_argument_choose_another(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", "~/there")
    assert ipython_dir() == home / "there"
    assert ipython_dir("/elsewhere") == Path("/elsewhere")


def test_options_for_a_shell_and_ids_for_files(home: Path) -> None:
    assert Profile.find("two words").options() == "--profile='two words'"
    assert Profile.find(profile_dir="/tmp/it's").options() == "--profile-dir='/tmp/it'\"'\"'s'"
    with pytest.raises(ProfileError, match=r"'../x' is not a valid cluster id"):
        Profile.find().pid_file("ipcluster", "../x")


def test_a_profile_by_name_by_directory_and_by_default(home: Path) -> None:
    assert Profile.find().path == home / ".ipython" / "profile_default"
    assert Profile.find("mpi").path == home / ".ipython" / "profile_mpi"
    assert Profile.find(profile_dir=home / "mine").path == home / "mine"
    assert Profile.find("mpi", ipython_dir=home).path == home / "profile_mpi"
    with pytest.raises(ProfileError, match="--profile-dir"):
        Profile.find("a/b")


def test_the_options_that_name_a_profile(home: Path) -> None:
    assert Profile.find().options() == ""
    assert Profile.find("mpi").options() == "--profile=mpi"
    assert Profile.find(profile_dir=home / "mine").options() == f"--profile-dir={home}/mine"


def test_names_of_files() -> None:
    profile = Profile(Path("/p"))
    assert profile.connection_file("client") == Path("/p/security/ipcontroller-client.json")
    assert profile.connection_file("engine", "x") == Path("/p/security/ipcontroller-x-engine.json")
    assert profile.cluster_file("x") == Path("/p/security/cluster-x.json")
    assert profile.pid_file("ipcluster", "x") == Path("/p/pid/ipcluster-x.pid")
    assert profile.log_file("ipengine", "x", "3") == Path("/p/log/ipengine-x-3.log")


def test_prepare_makes_a_private_place_for_keys(home: Path) -> None:
    profile = Profile.find("new")
    profile.prepare()
    assert profile.security_dir.stat().st_mode & 0o777 == 0o700
    assert profile.log_dir.is_dir()
    assert profile.pid_dir.is_dir()
    assert [each.name for each in profiles()] == ["new"]


def test_prepare_closes_a_place_that_is_open_to_others(home: Path) -> None:
    profile = Profile.find()
    profile.security_dir.mkdir(parents=True, mode=0o755)
    profile.prepare()
    assert profile.security_dir.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_place_of_somebody_else_is_refused(home: Path) -> None:
    profile = Profile.find()
    profile.prepare()
    os.chown(profile.security_dir, 12345, -1)
    with pytest.raises(ProfileError, match=r"belongs to user 12345, not to you .*choose another profile"):
        profile.prepare()


def test_a_place_that_is_not_writable_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = Profile.find()
    profile.prepare()
    monkeypatch.setattr(os, "access", lambda path, mode: path != profile.security_dir)
    with pytest.raises(ProfileError, match=r"security is not writable .*chmod u\+rwx"):
        profile.prepare()


def test_a_file_in_the_way_is_named(home: Path) -> None:
    (home / ".ipython").write_text("")
    with pytest.raises(ProfileError, match=r"profile_default can't be used: Not a directory"):
        Profile.find().prepare()
