"""Every public name of ipyparallel 9.2 is there, or says what to write meanwhile."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

import engineroom as er
from engineroom.client.client import Client
from engineroom.not_built import NAMES
from tests.unit.client.fake_controller import FakeController

TOP = """
Client DirectView LoadBalancedView BroadcastView ViewExecutor AsyncResult AsyncMapResult AsyncHubResult Cluster
ClusterManager Dependency depend dependent require Reference PrePickled RemoteFunction ParallelFunction remote
parallel interactive bind_kernel register_joblib_backend can uncan can_map uncan_map serialize_object
deserialize_object pack_apply_message unpack_apply_message use_dill use_cloudpickle use_pickle collect_exceptions
wrap_exception unwrap_exception load_jupyter_server_extension ALL_COMPLETED FIRST_COMPLETED FIRST_EXCEPTION
version_info __version__ IPythonError KernelError EngineError NoEnginesRegistered TaskAborted TaskTimeout
TaskRejectError UnmetDependency ImpossibleDependency DependencyTimeout InvalidDependency RemoteError CompositeError
AlreadyDisplayedError TimeoutError
"""

MODULES = {
    "error": "RemoteError CompositeError EngineError NoEnginesRegistered TaskAborted TimeoutError wrap_exception "
    "unwrap_exception collect_exceptions KernelError IPythonError AlreadyDisplayedError",
    "util": "disambiguate_url disambiguate_ip_address interactive split_url is_url validate_url utcnow",
    "serialize": "serialize_object deserialize_object can uncan can_map uncan_map pack_apply_message "
    "unpack_apply_message use_dill use_cloudpickle use_pickle PrePickled Reference",
    "datapub": "publish_data",
    "engine.datapub": "publish_data",
    "client.client": "Client",
    "client.view": "View DirectView LoadBalancedView BroadcastView ViewExecutor",
    "client.asyncresult": "AsyncResult AsyncMapResult AsyncHubResult",
    "client.remotefunction": "RemoteFunction ParallelFunction remote parallel",
    "client.magics": "ParallelMagics",
    "controller.dependency": "Dependency depend dependent require",
    "cluster": "Cluster ClusterManager",
    "cluster.launcher": "LocalControllerLauncher LocalEngineSetLauncher MPIEngineSetLauncher SlurmEngineSetLauncher",
}

CLIENT = """
ids block outstanding results metadata history cluster profile debug session direct_view load_balanced_view
broadcast_view executor activate wait wait_interactive wait_for_engines abort clear shutdown send_signal close
get_result result_status queue_status hub_history db_query resubmit purge_results purge_local_results
purge_hub_results purge_everything become_dask stop_dask become_distributed stop_distributed send_apply_request
send_execute_request create_message_futures spin spin_thread stop_spin_thread
"""

VIEW = """
block track targets set_flags temp_flags history outstanding results client executor apply apply_async apply_sync map
map_async map_sync imap wait abort queue_status purge_results shutdown get_result remote parallel spin label
"""
DIRECT = """
execute run push pull update get scatter gather sync_imports importer use_dill use_cloudpickle use_pickle clear
activate is_coalescing
"""
BALANCED = """
after follow timeout retries register_joblib_backend
"""
EXECUTOR = """
submit map shutdown _max_workers view
"""
RESULT = """
get result exception done add_done_callback wait ready successful r get_dict result_dict metadata msg_ids abort sent
wait_for_send wait_for_output wait_interactive stream_output display_outputs progress elapsed serial_time wall_time
timedelta split join owner cancel msg_id submitted started completed received engine_uuid engine_id follow after
status execute_input execute_result error stdout stderr outputs data label
"""


def unexplained(owner: object, names: str) -> list[str]:
    """Return those of `names` that `owner` neither has nor explains."""
    missing = []
    for name in names.split():
        try:
            getattr(owner, name)
        except AttributeError as error:
            if not re.search("Until then, |: write |: use ", str(error)):
                missing.append(f"{name}: {error}")
        except TimeoutError:
            pass  # it is there, and its value is not yet
    return missing


@pytest.mark.parametrize("name", TOP.split())
def test_a_name_of_the_package_can_be_imported(name: str) -> None:
    value = getattr(er, name)
    if name in NAMES:
        with pytest.raises(er.NotBuiltYet, match="Until then, "):
            value(abs)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_name_of_a_module_can_be_imported(module: str) -> None:
    found = import_module(f"engineroom.{module}")
    assert [name for name in MODULES[module].split() if not hasattr(found, name)] == []


def test_members_of_the_classes_are_there_or_explained(rc: Client, fake: FakeController) -> None:
    assert unexplained(rc, CLIENT) == []
    assert unexplained(rc[:], VIEW + DIRECT) == []
    assert unexplained(rc.load_balanced_view(), VIEW + BALANCED) == []
    assert unexplained(rc.executor(), EXECUTOR) == []
    result = rc[:].apply_async(abs, 1)
    result.get()
    assert unexplained(result, RESULT) == []
    fake.holding = True
    waits = {"r", "result_dict"}
    assert unexplained(rc[:].apply_async(abs, 1), " ".join(name for name in RESULT.split() if name not in waits)) == []


def test_what_is_not_built_yet_is_no_attribute(rc: Client) -> None:
    assert not hasattr(rc, "session")
    with pytest.raises(NotImplementedError, match="has no ZeroMQ session"):
        _ = rc.session  # type: ignore[attr-defined]


def test_magics_outside_of_ipython_are_a_warning(rc: Client) -> None:
    with pytest.warns(UserWarning, match="work only in IPython"):
        assert rc.activate().block


def test_what_is_not_built_yet_is_nobodys_type() -> None:
    extension = er.load_jupyter_server_extension  # type: ignore[attr-defined]
    assert not isinstance(1, extension)
    with pytest.raises(er.NotBuiltYet, match="load_jupyter_server_extension is not available yet"):
        type("Mine", (extension,), {})
