"""Which machines get what, from the dictionary that users write."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.cluster.launchers.ssh.command import place_in, place_of
from engineroom.cluster.launchers.ssh.places import count_in, shares_of, shares_of_proxy, split
from engineroom.errors import LaunchError
from engineroom.settings.launchers import SSHControllerLauncher, SSHEngineSetLauncher, SSHProxyEngineSetLauncher


def shares(places: dict[str, Any], **options: Any) -> list[tuple[str, int, list[str]]]:
    launcher = SSHEngineSetLauncher(engines=places, **options)
    return [(share.place.name, share.n, share.arguments) for share in shares_of(launcher)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", ("host", "", "")),
        ("me@host", ("host", "me", "")),
        ("me@host:2222", ("host", "me", "2222")),
        ("host:22", ("host", "", "22")),
        ("10.0.0.1:22", ("10.0.0.1", "", "22")),
        ("[fe80::1]:22", ("fe80::1", "", "22")),
        ("me@[::1]", ("::1", "me", "")),
        ("ssh://me@host:2222", ("host", "me", "2222")),
        ("me@site.example@host", ("host", "me@site.example", "")),  # as ssh reads it, up to the last @
    ],
)
def test_a_machine_is_written_as_users_do(text: str, expected: tuple[str, str, str]) -> None:
    place = place_of(text)
    assert (place.host, place.user, place.port) == expected


@pytest.mark.parametrize(
    "text", ["", "-oProxyCommand=x", "-l@host", "host:port", "fe80::1", "a b", "me@-x", "me@", "[-x]"]
)
def test_what_is_no_machine_is_refused(text: str) -> None:
    with pytest.raises(LaunchError, match="is not a machine"):
        place_of(text)


def test_numbers_pairs_and_dicts() -> None:
    places = {"a": 2, "b": (1, ["--x=1", "--y"]), "c": [3, "--x=1 --y"], "d": {"n": 4, "engine_args": ["--z"]}, "e": {}}
    assert shares(places, engine_args=["--usual"]) == [
        ("a", 2, ["--usual"]),
        ("b", 1, ["--x=1", "--y"]),
        ("c", 3, ["--x=1", "--y"]),
        ("d", 4, ["--z"]),
        ("e", 1, ["--usual"]),
    ]
    assert count_in(places) == 11


def test_a_machine_may_have_options_of_its_own() -> None:
    launcher = SSHEngineSetLauncher(
        engines={"a": {"n": 1, "remote_python": "/py", "user": "you"}, "b": 1}, ssh_args=["-4"], user="me"
    )
    one, other = shares_of(launcher)
    assert (one.options.remote_python, one.place.user, one.options.ssh_args) == ("/py", "you", ["-4"])
    assert (other.options.remote_python, other.place.user) == ("", "me")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("two", "engines of 'a': 'two' is not a number, a pair"),
        (True, "engines of 'a': True is not"),
        (-1, "engines of 'a': -1 is not"),
        ({"n": 1, "remote_pyhton": "x"}, "there is no option 'remote_pyhton'; there are .*remote_python"),
        ({"n": 1, "ssh_args": 3}, "engines of 'a': .*ssh_args"),
    ],
)
def test_an_entry_that_makes_no_sense_is_named(value: object, words: str) -> None:
    with pytest.raises(LaunchError, match=words):
        shares({"a": value})


def test_a_command_of_the_users_own_names_the_python() -> None:
    def python(**options: Any) -> str:
        (share,) = shares_of(SSHEngineSetLauncher(engines={"a": 1}, **options))
        return str(share.options.remote_python)

    assert python(engine_cmd=["/py", "-m", "ipyparallel.engine"]) == "/py"
    assert python(engine_cmd=["/opt/bin/ipengine"]) == "/opt/bin/python"
    with pytest.raises(LaunchError, match="set remote_python to the Python there that has engineroom"):
        python(engine_cmd=["nice", "ipengine"])
    proxy = SSHProxyEngineSetLauncher(hostname="b", ipcluster_cmd=["/opt/bin/ipcluster"], ipcluster_args=["--x"])
    (share,) = shares_of_proxy(proxy)
    assert (share.options.remote_python, share.ipcluster) == ("/opt/bin/python", ["--x"])


def test_no_machines_at_all() -> None:
    with pytest.raises(LaunchError, match=r"which machines\? Set c.SSHEngineSetLauncher.engines"):
        shares({})
    with pytest.raises(LaunchError, match=r"which machine\? Set c.SSHControllerLauncher.hostname"):
        place_in(SSHControllerLauncher())


def test_the_first_n_engines() -> None:
    every = shares_of(SSHEngineSetLauncher(engines={"a": 2, "b": 0, "c": 3}))

    def first(n: int) -> list[tuple[str, int]]:
        return [(share.place.name, share.n) for share in split(n, every)]

    assert first(0) == []
    assert first(2) == [("a", 2)]
    assert first(3) == [("a", 2), ("c", 1)]
    assert first(9) == [("a", 2), ("c", 3)]
