"""Flags that show options, or write them down, before anything else."""

from __future__ import annotations

import json

import pytest

from engineroom.settings.cluster import IPClusterEngines, IPClusterStart
from engineroom.settings.controller import IPController
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_application


def printed(
    app: type[IPClusterEngines | IPController], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> str:
    with pytest.raises(SystemExit) as end:
        read_application(app, arguments)
    assert end.value.code == 0
    return capsys.readouterr().out


def test_what_files_and_arguments_set(profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(IPClusterStart, ["--show-config"], capsys) == "# no configuration files\n"
    path = profile.path / "ipcluster_config.py"
    path.write_text("c.IPClusterEngines.n = 64\nc.PBSLauncher.queue = 'veryshort.q'\n")
    shown = printed(IPClusterStart, ["--show-config", "-n", "2"], capsys)
    assert shown == f"# from {path}\nCluster\n  .n = 2\nPBSLauncher\n  .queue = 'veryshort.q'\n"


def test_as_json(profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    (profile.path / "ipcontroller_config.py").write_text("c.HubFactory.ip = '*'\n")
    shown = printed(IPController, ["--show-config-json", "--reuse"], capsys)
    assert json.loads(shown) == {"IPController": {"ip": "*", "reuse_files": True}}


def test_init_writes_the_files_first(profile: Profile) -> None:
    (profile.path / "ipengine_config.py").write_text("# mine\n")
    assert read_application(IPController, ["--init", "--ip=*"]).ip == "*"
    names = sorted(path.name for path in profile.path.glob("*.py"))
    assert names == ["ipcluster_config.py", "ipcontroller_config.py", "ipengine_config.py"]
    assert (profile.path / "ipengine_config.py").read_text() == "# mine\n"


@pytest.mark.parametrize("arguments", [["–n=4"], ["–n", "4"], ["—n=4"]])
def test_dashes_as_word_processors_write_them(profile: Profile, arguments: list[str]) -> None:
    assert read_application(IPClusterEngines, arguments).config.Cluster.n == 4
