"""What the page on starting shows of all ways to start."""

from __future__ import annotations

import json

import pytest

from engineroom.settings.cluster import Cluster
from engineroom.settings.config_files import config_file
from engineroom.settings.option import configured
from engineroom.settings.reading import read_config_files
from tests.documented import DOCS, blocks
from tests.reader import Reader

PAGE = "starting/README.md"


def test_a_first_cluster(reader: Reader) -> None:
    reader.follows(PAGE, "starting-first")


def test_help(reader: Reader) -> None:
    reader.follows(PAGE, "starting-help")


def test_addresses_and_files_that_are_kept(reader: Reader) -> None:
    address = {"192.168.1.16": "127.0.0.1"}
    [told] = reader.follows(PAGE, "starting-ip", **address)
    assert "127.0.0.1" in told.output
    told.close()
    [everywhere] = reader.follows(PAGE, "starting-ip-all")
    everywhere.close()
    [kept] = reader.follows(PAGE, "starting-reuse")
    file = reader.profile().connection_file("client")
    before = file.read_bytes()
    kept.close()
    reader.follows(PAGE, "starting-reuse")
    assert json.loads(file.read_bytes())["exec_key"] == json.loads(before)["exec_key"]


def test_from_python(reader: Reader) -> None:
    assert reader.runs_python(PAGE, "starting-python").splitlines() == ["[1024, 1024]"]
    assert reader.runs_python(PAGE, "starting-config").splitlines() == ["['hello']"]


def test_a_profile(reader: Reader) -> None:
    reader.follows(PAGE, "starting-profile")
    path = config_file(reader.profile("slurm").path, "ipcluster")
    for line in blocks(PAGE)["starting-launchers"].splitlines():
        path.write_text(line)
        chosen = configured(Cluster, read_config_files([path])).engine_launcher_class
        assert chosen == ("Local" if line.startswith("#") else "SSH")


def test_options_and_logs(reader: Reader) -> None:
    reader.writes(PAGE, "starting-address", config_file(reader.profile().path, "ipcontroller"))
    reader.writes(PAGE, "starting-engine-config", config_file(reader.profile().path, "ipengine"))
    (reader.directory / "startup.py").write_text("x = 6\n")
    reader.types("ipcluster start -n 1 --daemonize")
    try:
        reader.follows(PAGE, "starting-logs")
        code = "import engineroom as er; print(er.Client()[0]['x * math.floor(7.5)'])"
        assert reader.types(f'python -c "{code}"').output.strip() == "42"
        shown = reader.types("ipcluster config").output.splitlines()
        assert ["IPController.ip", "'*'"] in [line.split()[:2] for line in shown]
    finally:
        reader.types("ipcluster stop")


@pytest.mark.parametrize("page", sorted((DOCS / "starting").glob("*.md")), ids=lambda page: page.name)
def test_every_page_can_be_found_from_the_first(page: object) -> None:
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    name = str(page).rpartition("/")[2]
    assert name == "README.md" or name in text
