"""Commands in messages act on the cluster that the message is about."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.settings.cluster import IPClusterStop
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_arguments
from engineroom.trail.advice import for_cluster, named
from engineroom.trail.fixes import FIXES

OPTIONS = "--profile=mpi --cluster-id=x"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("see `ipcluster logs`", f"see `ipcluster logs {OPTIONS}`"),
        (
            "`ipcluster engines -n 2`, or `ipcluster why`",
            f"`ipcluster engines -n 2 {OPTIONS}`, or `ipcluster why {OPTIONS}`",
        ),
        ("`ipcluster start -n 2 -- --ip='*'`", f"`ipcluster start -n 2 {OPTIONS} -- --ip='*'`"),
        ("`ipcontroller --ip='*'`", f"`ipcontroller --ip='*' {OPTIONS}`"),
        ("`ipcluster list`", "`ipcluster list`"),
        ("`ipcluster stop --profile=other`", "`ipcluster stop --profile=other`"),
        ("`ipcluster logs --cluster-id=y`", "`ipcluster logs --cluster-id=y`"),
        ("`ipengine --file`", "`ipengine --file`"),
        ("stopped by ipcluster stop", "stopped by ipcluster stop"),
        ("`rc.ids`", "`rc.ids`"),
    ],
)
def test_which_commands_get_the_options(words: str, expected: str) -> None:
    assert for_cluster(words, OPTIONS) == expected
    assert for_cluster(for_cluster(words, OPTIONS), OPTIONS) == expected
    assert for_cluster(words, "") == words


@pytest.mark.parametrize("fix", [fix for _, fix in FIXES if "`ipcluster" in fix])
def test_every_fix_that_names_a_command_can_be_addressed(fix: str) -> None:
    assert OPTIONS in for_cluster(fix, OPTIONS) or "`ipcluster list`" in fix


names = st.text("abcXYZ019_.- ,:'$", min_size=1, max_size=12).filter(lambda name: not name.startswith("-"))


@given(names, names, st.booleans())
def test_options_choose_the_same_cluster_again(place: str, cluster_id: str, by_name: bool) -> None:
    home = Path("/home/me/.ipython")
    profile = Profile.find(place, ipython_dir=home) if by_name else Profile(Path("/somewhere") / place)
    command = for_cluster("`ipcluster stop`", profile.options(cluster_id)).strip("`")
    app = IPClusterStop()
    read_arguments(app, shlex.split(command)[2:])
    assert (app.profile_directory, app.cluster_id) == (profile, cluster_id)
    given_to_client = eval(f"dict({profile.arguments(cluster_id)})")  # what a person pastes
    assert given_to_client.pop("cluster_id") == cluster_id
    assert Profile.find(given_to_client.get("profile"), profile_dir=given_to_client.get("profile_dir")) == profile


def test_clusters_that_run_are_named_up_to_a_point() -> None:
    assert named([]) == ""
    assert named(["ipcluster stop"]) == "This cluster is running: `ipcluster stop`"
    assert named(["a", "b"]) == "These clusters are running: `a`, `b`"
    assert named(map(str, range(10))).endswith("`7`, and 2 more (`ipcluster list` shows all)")
