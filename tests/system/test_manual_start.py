"""Controllers and engines started by hand: `ipcontroller`, `ipengine`."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engineroom import Client, NotLetIn
from engineroom.settings.controller import IPController
from engineroom.settings.option import configured
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_config_files
from engineroom.trail import steps
from engineroom.trail.steps import read_steps
from tests.documented import blocks
from tests.reader import Reader
from tests.system.conftest import SECONDS, Command, until
from tests.system.in_process import ipcluster

Start = Callable[..., Command]

PAGE = "starting/manual.md"


def written_by_hand(profile: Profile, role: str, **more: str) -> dict[str, str]:
    """Return what somebody would write who has seen the controller's file: as on the page, with its port and key."""
    values = json.loads(profile.connection_file(role).read_text())
    shown = json.loads(blocks(PAGE)["manual-json"])
    shown |= {"url": f"tcp://*:{values['url'].rpartition(':')[2]}", "exec_key": values["exec_key"]}
    return shown | {"ssh": "", "location": ""} | more


def test_on_one_machine(reader: Reader) -> None:
    controller, *engines = reader.follows(PAGE, "manual-local")
    code = "import engineroom as er; print(er.Client()[:].apply_sync(abs, -7))"
    assert reader.types(f'python -c "{code}"').output.split() == ["[7,", "7]"]
    controller.interrupt()
    for engine in engines:
        engine.ends()
    assert "stopping: received SIGINT" in controller.output


def test_options_as_the_page_has_them(reader: Reader) -> None:
    path = reader.writes(PAGE, "manual-config", "ipcontroller_config.py")
    options = configured(IPController, read_config_files([path]))
    assert (options.ip, options.location) == ("*", "10.0.1.5")


def test_an_engine_waits_for_its_controller_and_says_what_for(command: Start, profile: Profile) -> None:
    engine = command("ipengine").says("waiting for the controller for up to 60 s: there is no connection file")
    controller = command("ipcontroller").says("ready: engines by `ipengine`")
    engine.says("registered  engine=0")
    controller.signal(signal.SIGINT).succeeds()
    engine.succeeds()


def test_with_a_log_the_terminal_says_where_everything_is(command: Start, profile: Profile) -> None:
    log_file = profile.log_file("ipcontroller")
    profile.prepare()
    log_file.with_name(f"{log_file.name}.1").write_text("of an earlier one")
    controller = command("ipcontroller", "--log-to-file", "--clean-logs", "--ip=*").says("connection files: ")
    assert str(profile.connection_file("engine")) in controller.output
    assert str(log_file) in controller.output
    assert [each.name for each in log_file.parent.glob("ipcontroller*")] == [log_file.name]
    controller.signal(signal.SIGINT).succeeds()


def test_engines_and_clients_come_back_to_a_controller_that_keeps_its_files(command: Start, profile: Profile) -> None:
    def started() -> Command:
        return command("ipcontroller", "--reuse").says("ready")

    controller, file = started(), profile.connection_file("engine")
    engine = command("ipengine")
    with Client(timeout=SECONDS) as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        rc[0]["kept"] = os.getpid()
        file.write_text(json.dumps(json.loads(file.read_text()) | {"ssh": "login", "location": "gate"}))
        before = json.loads(file.read_text())
        controller.signal(signal.SIGINT).succeeds()
        again = started()
        until(lambda: engine.output.count("registered  engine=0") == 2 and rc.ids == [0])
        assert rc[0].pull("kept").get(SECONDS) == os.getpid()
        after = json.loads(file.read_text())
        kept = ("exec_key", "certificate", "ssh", "location")
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
        assert engine.process.poll() is None
        rc.shutdown(hub=True)
    again.succeeds()
    engine.succeeds()


def test_a_file_written_by_hand_needs_a_url_and_a_key(command: Start, profile: Profile, tmp_path: Path) -> None:
    controller = command("ipcontroller").says("ready")
    (tmp_path / "engine.json").write_text(json.dumps(written_by_hand(profile, "engine")))
    engine = command("ipengine", "--file=engine.json", cwd=tmp_path).says("registered  engine=0  over=127.0.0.1:")
    with Client(written_by_hand(profile, "client"), timeout=SECONDS) as rc:
        assert rc[0].apply_sync(abs, -1) == 1
    with pytest.raises(NotLetIn, match="wrong key"):
        Client(written_by_hand(profile, "client", exec_key="0" * 64), timeout=SECONDS)
    controller.signal(signal.SIGINT).succeeds()
    engine.succeeds()


def test_each_address_that_was_tried_is_told_and_noted(command: Start, profile: Profile, tmp_path: Path) -> None:
    file = tmp_path / "engine.json"
    file.write_text(json.dumps({"url": "tcp://127.0.0.1:9", "exec_key": "k", "addresses": ["[::1]:9"]}))
    (profile.log_dir).mkdir(parents=True)
    engine = command("ipengine", f"--file={file}", "--url=tcp://127.0.0.2:9", "--timeout=0.5")
    assert engine.ends() == 255
    tried = [f"{address}:9: Connection refused (ECONNREFUSED)" for address in ("127.0.0.2", "127.0.0.1")]
    assert all(words in engine.output for words in tried)
    noted = list(read_steps(profile.steps_file()))
    assert [step.words for step in noted if step.step == steps.ADDRESS and not step.ok][:2] == tried
    assert noted[-1].step == steps.ENDED


def test_the_steps_of_a_start_by_hand(command: Start, profile: Profile) -> None:
    controller = command("ipcontroller").says("ready")
    engine = command("ipengine").says("registered")
    until(lambda: [step.step for step in read_steps(profile.steps_file())] == [steps.LISTENS, steps.REGISTERED])
    why = ipcluster("why").succeeds()
    assert why.output.startswith("all is well: 1 engine")
    controller.signal(signal.SIGINT).succeeds()
    engine.succeeds()


def test_a_refused_engine_notes_the_reason(command: Start, profile: Profile, tmp_path: Path) -> None:
    controller = command("ipcontroller").says("ready")
    (tmp_path / "engine.json").write_text(json.dumps(written_by_hand(profile, "engine", exec_key="0" * 64)))
    engine = command("ipengine", f"--file={tmp_path}/engine.json")
    assert engine.ends() == 255
    assert "the controller refused this engine: wrong key" in engine.output
    [refused] = [step for step in read_steps(profile.steps_file()) if not step.ok and "pid" in step.who]
    assert refused.step == steps.HANDSHAKE and refused.words.startswith("wrong key")
    assert f"engine pid {engine.process.pid} on " in refused.who
    controller.signal(signal.SIGINT).succeeds()


def test_ctrl_c_once_ends_an_engine_that_nobody_has_let_in(command: Start, profile: Profile) -> None:
    ours, its = os.openpty()
    engine = command("ipengine", stdin=its).says("waiting for the controller")
    assert engine.signal(signal.SIGINT).ends() == 0
    assert engine.lines[-1].endswith("ending  reason=Ctrl-C\n")
    os.close(ours)
    os.close(its)


def test_ctrl_c_twice_ends_an_engine_at_a_terminal(command: Start, profile: Profile) -> None:
    ours, its = os.openpty()
    controller = command("ipcontroller").says("ready")
    engine = command("ipengine", stdin=its).says("registered")
    engine.signal(signal.SIGINT).says("press Ctrl-C again to stop this engine")
    engine.signal(signal.SIGINT).succeeds()
    controller.signal(signal.SIGINT).succeeds()
    os.close(ours)
    os.close(its)
