"""From options to a plan: which of several places counts."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest
from traitlets.config import Config

from engineroom.cluster.launchers.choose import options_of
from engineroom.cluster.plan.commands import controller_command
from engineroom.cluster.plan.host_plan import HostPlan
from engineroom.cluster.plan.making import host_plan
from engineroom.cluster.plan.programs import level_name
from engineroom.settings.cluster import Cluster
from engineroom.settings.option import OptionError
from engineroom.settings.profiles import Profile


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile(tmp_path / "profile_x")
    profile.prepare()
    return profile


def plan(profile: Profile, config: Config | None = None, **more: object) -> HostPlan:
    options = Cluster(config=config or Config())
    return host_plan(options, profile=profile, cluster_id="c", log_level="INFO", **more)  # type: ignore[arg-type]


def test_defaults(profile: Profile) -> None:
    made = plan(profile)
    assert made.n >= 1
    assert made.controller is not None
    assert made.controller.security_dir == str(profile.security_dir)
    assert made.controller.cluster_id == "c"
    assert made.engine.connection_file == str(profile.connection_file("engine", "c"))


def test_what_counts_more(profile: Profile) -> None:
    (profile.path / "ipcontroller_config.py").write_text("c.IPController.ip = 'file'\nc.IPController.ports = 7\n")
    config = Config({"IPController": {"ip": "ipcluster"}})
    assert (made := plan(profile, config).controller) is not None
    assert (made.ip, made.ports) == ("ipcluster", (7,))
    config["Cluster"] = Config({"controller_ip": "Cluster"})
    assert (made := plan(profile, config).controller) is not None
    assert made.ip == "Cluster"
    assert (made := plan(profile, config, controller_args=["--ip=argument", "--reuse"]).controller) is not None
    assert (made.ip, made.reuse) == ("argument", True)


def test_engines_look_where_the_controller_writes(profile: Profile) -> None:
    config = Config({"IPController": {"engine_json_file": "mine.json"}})
    assert plan(profile, config).engine.connection_file == str(profile.security_dir / "mine.json")


def test_engines_without_a_controller_of_ours(profile: Profile) -> None:
    (profile.path / "ipengine_config.py").write_text("c.IPEngine.startup_command = 'import os'\n")
    made = plan(profile, Config({"IPEngine": {"url_file": "/there.json"}}), with_controller=False)
    assert made.controller is None
    assert (made.engine.connection_file, made.engine.startup_command) == ("/there.json", "import os")


def test_a_plan_travels_as_json(profile: Profile) -> None:
    made = plan(profile, Config({"IPController": {"ports": "10101-10120"}}))
    assert msgspec.json.decode(msgspec.json.encode(made), type=HostPlan) == made


def test_arguments_that_make_no_sense(profile: Profile) -> None:
    with pytest.raises(OptionError, match="--resue; did you mean --reuse"):
        plan(profile, controller_args=["--resue"])


@pytest.mark.parametrize(
    ("level", "name"), [("debug", "DEBUG"), (logging.DEBUG, "DEBUG"), (logging.ERROR, "ERROR"), (5, "DEBUG")]
)
def test_levels_by_name(level: str | int, name: str) -> None:
    assert level_name(level) == name


def test_options_of_launchers_hold_for_what_the_host_starts_itself(profile: Profile) -> None:
    config = Config(
        {
            "LocalEngineSetLauncher": {"delay": 0.5, "environment": {"A": "engines"}, "stop_seconds_until_kill": 20},
            "LocalControllerLauncher": {"environment": {"B": "controller"}, "controller_args": ["--location=here"]},
            "ControllerLauncher": {"connection_info_timeout": 5},
            "Cluster": {"engine_environment": {"C": "engines"}},
        }
    )
    made = plan(profile, config)
    assert (made.engine_launcher, made.controller_launcher) == (None, None)
    assert (made.delay, made.engine_environment) == (0.5, {"A": "engines", "C": "engines"})
    assert made.controller is not None
    assert (made.controller.location, made.controller_environment) == ("here", {"B": "controller"})
    assert (made.grace, made.controller_timeout) == (20, 5)
    assert made.stop_timeout > 20
    assert plan(profile, Config({"BaseLauncher": {"environment": {"A": "all"}}})).engine_environment == {"A": "all"}
    made = plan(profile, Config({"Cluster": {"delay": 0.25}}))
    assert (made.pause, made.delay) == (0.25, 0.0)


@pytest.mark.parametrize("section", ["LocalControllerLauncher", "ControllerLauncher"])
def test_a_controller_here_by_an_own_command_listens_where_any_other_would(section: str, profile: Profile) -> None:
    made = plan(profile, Config({section: {"controller_cmd": ["mine", "--now"]}}))
    assert made.controller_launcher is not None
    command = controller_command(made, options_of(made.controller_launcher))  # type: ignore[arg-type]
    assert command.argv == ["mine", "--now", f"--profile-dir={profile.path}", "--cluster-id=c", "--ip=127.0.0.1"]
