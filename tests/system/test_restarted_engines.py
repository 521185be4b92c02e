"""Engines that a client restarts."""

from __future__ import annotations

import os
import signal

import pytest

from engineroom import Client, Cluster
from engineroom.errors import NoEnginesRegistered
from engineroom.settings.profiles import Profile
from tests.system.conftest import answers, until


def test_engines_restart_under_their_ids(profile: Profile) -> None:
    with Cluster(n=2, profile_dir=profile.path) as rc:
        view = rc[:]
        view.push({"kept": 1}, block=True)
        pids = view.apply_sync(os.getpid)
        rc[1].shutdown(restart=True, block=True)
        assert rc.ids == [0, 1]
        assert view["'kept' in globals()"] == [True, False]
        assert [old == new for old, new in zip(pids, view.apply_sync(os.getpid), strict=True)] == [True, False]
        rc.shutdown(restart=True)  # does not wait
        until(lambda: len(rc) == 2 and not set(pids) & set(answers(rc, slice(None), os.getpid)))
        with pytest.raises(ValueError, match="leave out `hub`"):
            rc.shutdown(restart=True, hub=True)
        assert_engines_that_are_gone_are_started_again(rc)


def assert_engines_that_are_gone_are_started_again(rc: Client) -> None:
    [before] = answers(rc, [1], os.getpid)
    os.kill(before, signal.SIGKILL)
    rc.shutdown([1], restart=True, block=True)
    assert answers(rc, [1], os.getpid) != [before]
    rc.shutdown([1], block=True)
    rc.shutdown([1], restart=True, block=True)
    assert rc.ids == [0, 1]
    rc.shutdown(block=True)
    with pytest.raises(NoEnginesRegistered):
        rc.shutdown(restart=True)
    rc.shutdown([0, 1], restart=True, block=True)
    assert rc[:].apply_sync(abs, -1) == [1, 1]
