"""`import ipyparallel` with the stand-in: engineroom itself, never a copy, and never beside the real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import SECONDS

STAND_IN = Path(__file__).parents[3] / "compat" / "ipyparallel" / "src"


def python(code: str, *places: Path) -> str:
    """Run `code` in a fresh interpreter that finds the stand-in; return all that it says."""
    path = os.pathsep.join([*map(str, (STAND_IN, *places)), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-u", "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return done.stdout


def test_names_are_imported_when_they_are_used() -> None:
    said = python("import sys, ipyparallel; print([m for m in sys.modules if m.startswith('engineroom.')])")
    assert said == "['engineroom.library_first']\n"  # which has to be there before all others


def test_names_and_modules_are_the_same() -> None:
    said = python(
        "import engineroom, ipyparallel as ipp\n"
        "import ipyparallel.client.client, ipyparallel.cluster\n"
        "from ipyparallel.client.client import Client\n"
        "import sys\n"
        "print(ipp.Client is engineroom.Client is Client, ipyparallel.cluster is engineroom.cluster)\n"
        "print(engineroom.cluster.__spec__.name, sys.modules['ipyparallel.client.client'].__name__)\n"
        "print(set(engineroom.__all__) <= set(dir(ipp)), ipp.__all__ == engineroom.__all__)\n"
    )
    assert said == "True True\nengineroom.cluster engineroom.client.client\nTrue True\n"


def test_what_is_not_there_is_named() -> None:
    assert "engineroom, which stands in for ipyparallel, has no 'nothing'" in python(
        "import ipyparallel; ipyparallel.nothing"
    )
    assert "No module named 'ipyparallel.nothing'" in python("import ipyparallel.nothing")


def test_it_does_not_hide_the_real_one(tmp_path: Path) -> None:
    real = tmp_path / "ipyparallel-9.2.0.dist-info"
    real.mkdir()
    (real / "METADATA").write_text("Metadata-Version: 2.1\nName: ipyparallel\nVersion: 9.2.0\n")
    said = python("import ipyparallel", tmp_path)
    assert "ImportError: both ipyparallel 9.2.0 and engineroom-ipyparallel" in said


def test_programs_by_their_old_modules() -> None:
    said = python(
        "import sys; sys.argv = ['ipcluster', '--version']\n"
        "from ipyparallel.apps.ipclusterapp import launch_new_instance; launch_new_instance()"
    )
    assert said.strip().startswith("0.")


def test_launchers_by_their_old_modules() -> None:
    said = python(
        "from ipyparallel.apps.launcher import MPIExecEngineSetLauncher, PBSEngineSetLauncher\n"
        "from ipyparallel.cluster.launcher import EngineLauncher, MPIEngineSetLauncher\n"
        "import engineroom.cluster.launcher as ours\n"
        "print(MPIExecEngineSetLauncher is MPIEngineSetLauncher is ours.MPIEngineSetLauncher)\n"
        "print(issubclass(PBSEngineSetLauncher, EngineLauncher))\n"
    )
    assert said == "True\nTrue\n"


def test_modules_are_there_as_attributes_and_by_import() -> None:
    said = python(
        "import ipyparallel as ipp\n"
        "print(ipp.client.view.ViewExecutor.__name__, ipp.cluster.launcher.__name__)\n"
        "from ipyparallel import ClusterManager, error, interactive, util\n"
        "from ipyparallel.serialize import deserialize_object, serialize_object\n"
        "from ipyparallel.client.asyncresult import AsyncHubResult\n"
        "from ipyparallel.controller.dependency import Dependency\n"
        "from ipyparallel.datapub import publish_data\n"
        "from ipyparallel.util import disambiguate_url\n"
        "import engineroom.client.view as ours\n"
        "print(ipp.client.view is ours, ipp.BroadcastView is ours.BroadcastView, disambiguate_url('tcp://*:1234'))\n"
    )
    assert said == "ViewExecutor engineroom.cluster.launcher\nTrue True tcp://127.0.0.1:1234\n"


def test_modules_that_only_ipyparallel_has_give_names_of_ours() -> None:
    said = python(
        "import importlib, ipyparallel\n"
        "from ipyparallel._former_modules import FORMER\n"
        "import ipyparallel.client.map as maps\n"
        "from ipyparallel.cluster.app import IPClusterStart\n"
        "from ipyparallel.controller.dictdb import DictDB\n"
        "from ipyparallel.serialize.serialize import serialize_object\n"
        "for module, names in FORMER.items():\n"
        "    found = importlib.import_module(f'ipyparallel.{module}')\n"
        "    module == 'client._joblib' or [getattr(found, name) for name in names]\n"
        "for count in range(9):\n"
        "    for kind in maps.dists.values():\n"
        "        parts = [kind().getPartition(list(range(count)), each, 3) for each in range(3)]\n"
        "        assert kind().joinPartitions(parts) == list(range(count)), parts\n"
        "print(serialize_object is ipyparallel.serialize_object, ipyparallel.client.map is maps)\n"
        "from ipyparallel.controller.hub import Hub\n"
    )
    assert said.startswith("True True\n")
    assert "ImportError: cannot import name 'Hub'" in said


def test_it_is_a_version_of_ipyparallel() -> None:
    said = python(
        "import ipyparallel as ipp, engineroom\n"
        "print(ipp.version_info >= (8, 0), ipp.__version__, engineroom.version_info < (8, 0))"
    )
    assert said == "True 9.2.0 True\n"


@pytest.mark.parametrize("program", ["cluster", "controller", "engine"])
def test_programs_run_as_modules(program: str) -> None:
    said = python(
        "import runpy, sys; sys.argv = ['x', '--version']\n"
        f"runpy.run_module('ipyparallel.{program}', run_name='__main__')"
    )
    assert said.startswith("0.")


def test_programs_that_run_as_modules_know_their_name() -> None:
    said = python(
        "import runpy, sys; sys.argv = ['x', 'list', '-o', 'json']\n"
        "runpy.run_module('ipyparallel.cluster', run_name='__main__', alter_sys=True)"
    )
    assert isinstance(json.loads(said), list)


@pytest.mark.parametrize(("name", "words"), [("nbextension", "ipcluster start"), ("nothing", "No module named")])
def test_modules_that_are_not_there_say_why(name: str, words: str) -> None:
    said = python(f"import ipyparallel.{name}")
    assert "Error: " in said
    assert words in said


def test_the_joblib_backend_is_ours() -> None:
    said = python("import sys; sys.modules['joblib.parallel'] = None\nimport ipyparallel.joblib")
    assert "ModuleNotFoundError: joblib is not installed here" in said


def test_lost_tasks_run_again_only_for_those_who_import_engineroom() -> None:
    views = (
        "from types import SimpleNamespace as N\nfrom engineroom import LoadBalancedView as V\n"
        "print(V(N(block=False), N(packer=N(pack=None))).rerun_lost)"
    )
    assert python(views) == "True\n"
    assert python(f"import ipyparallel\n{views}") == "False\n"


def test_the_extension_of_ipython_explains_its_magics() -> None:
    said = python(
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'ipyparallel')\n"
        "shell.run_cell('%px 1 + 1')\n"
        "shell.run_cell('%%px\\n1 + 1')\n"
    )
    assert said.count("UsageError: %px has no cluster yet. Start one with ") == 2
