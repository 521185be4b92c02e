"""Homes that are not there, or not ours: what we say is what to set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from engineroom import Client, Cluster
from engineroom.cluster import ClusterManager
from engineroom.errors import EngineroomError
from engineroom.machine.homes import NoHome, expanded, home
from engineroom.settings.profiles import Profile, ProfileError

pwd = pytest.importorskip("pwd")


@pytest.fixture(params=["unset", "empty"])
def nowhere(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a user whom nobody knows, as in many containers."""

    def nobody(_: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.delenv("IPYTHONDIR")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    if request.param == "unset":
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", "")


def calls(directory: Path) -> list[Any]:
    return [
        lambda: Cluster(n=1),
        lambda: Cluster.from_file(cluster_id="x"),
        lambda: Cluster.from_file(profile="x"),
        lambda: Client(timeout=0),
        lambda: Client(profile="x", timeout=0),
        lambda: Client("nowhere.json", timeout=0, ipython_dir=directory / "file" / "below"),
        lambda: ClusterManager().load_clusters(),
    ]


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6])
def test_without_a_home_we_say_what_to_set(tmp_path: Path, number: int) -> None:
    with pytest.raises(NoHome, match=r"there is no home directory: HOME is .* Set IPYTHONDIR to a directory"):
        calls(tmp_path)[number]()


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6])
def test_a_home_that_is_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("IPYTHONDIR")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    with pytest.raises(ProfileError, match=r"file/.ipython.* can't be used: Not a directory. Set IPYTHONDIR to"):
        calls(tmp_path)[number]()


@pytest.mark.usefixtures("nowhere")
def test_who_names_a_place_needs_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Profile.find(profile_dir=tmp_path / "profile_a").options() == f"--profile-dir={tmp_path / 'profile_a'}"
    assert Cluster(profile_dir=tmp_path / "profile_a").profile == ""
    with pytest.raises(EngineroomError, match=r"found no controller: .*the file does not exist"):
        Client(tmp_path / "none.json", timeout=0)
    assert expanded("~/x") in (Path("~/x"), Path("/x"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    assert Profile.find("b").path == tmp_path / "profile_b"
    assert Profile.find("b").name == "b"


def test_a_home_is_what_it_always_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("IPYTHONDIR")
    assert home() == tmp_path
    assert expanded("~/x") == tmp_path / "x"
    assert Profile.find().path == tmp_path / ".ipython" / "profile_default"
    (tmp_path / ".config" / "ipython").mkdir(parents=True)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert Profile.find().path == tmp_path / ".config" / "ipython" / "profile_default"
    os.mkdir(tmp_path / ".ipython")
    assert Profile.find().path == tmp_path / ".ipython" / "profile_default"
