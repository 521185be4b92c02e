"""Processes of one machine that can't have each other's memory: data come as streams, in silence, with a reason."""

from __future__ import annotations

import ctypes
import os

from tests.real.confined import Confined, goes_and_comes, limits_that_bind, way_to

SOCKET = "shared memory needs a Unix socket, between processes of one user on one machine"
OUT_OF_REACH = "one end can't open the memory of the other"

NO_RIGHTS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
"""Root, without what root may do to others."""

NOBODY = 65534

NAMESPACE = ("unshare", "-pf", "--kill-child")


def test_within_reach_all_is_shared(confined: Confined) -> None:
    confined.controller()
    confined.engine()
    rc = confined.client(1)
    goes_and_comes(rc)
    assert way_to(rc) == "shared memory"
    assert limits_that_bind(rc) == ()


def test_an_engine_with_rights_that_the_controller_has_not(confined: Confined) -> None:
    confined.controller(*NO_RIGHTS)
    confined.engine()
    rc = confined.client(1)
    goes_and_comes(rc)
    assert OUT_OF_REACH in way_to(rc)
    assert limits_that_bind(rc) == ()


def be_undumpable() -> int:
    return ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


def test_an_engine_that_puts_itself_out_of_reach_later(confined: Confined) -> None:
    confined.controller(*NO_RIGHTS)
    confined.engine(*NO_RIGHTS)
    rc = confined.client(1)
    goes_and_comes(rc)
    assert way_to(rc) == "shared memory"
    assert rc[0].apply_sync(be_undumpable) == 0
    goes_and_comes(rc)
    assert "can't be used: [Errno 13] Permission denied" in way_to(rc)


def test_an_engine_in_a_pid_namespace_of_its_own_with_and_without_its_proc(confined: Confined) -> None:
    confined.controller()
    confined.engine(*NAMESPACE)
    confined.engine(*NAMESPACE, "--mount-proc")
    confined.engine()
    rc = confined.client(3)
    goes_and_comes(rc)
    ways = [way_to(rc, engine) for engine in rc.ids]
    assert sum(OUT_OF_REACH in way for way in ways) == 2, ways
    assert "shared memory" in ways
    assert limits_that_bind(rc) == ()


def test_neighbours_whose_proc_is_that_of_another_pid_namespace(confined: Confined) -> None:
    """One says where its memory lies, and there the other finds nothing, or something else."""
    confined.controller()
    confined.engine(*NAMESPACE, "sh", "-c", '"$0" "$@" & "$0" "$@"')
    rc = confined.client(2)
    goes_and_comes(rc)


def test_neighbours_of_different_users(confined: Confined) -> None:
    confined.controller()
    confined.engine_of(NOBODY)
    confined.engine(ENGINEROOM_TRANSPORT="tls")
    rc = confined.client(2)
    assert set(rc[:].apply_sync(os.getuid)) == {0, NOBODY}
    goes_and_comes(rc)
    assert [SOCKET in way_to(rc, engine) for engine in rc.ids] == [True, True]
    assert limits_that_bind(rc) == ()
