"""An engine of another Python than the client's, and which calls it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engineroom import Cluster, PackError
from tests.patience import SECONDS
from tests.real.environments import of_another_python


def test_an_engine_of_another_python_takes_what_travels_as_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "python3.12" if sys.version_info[:2] != (3, 12) else "python3.13"
    programs = of_another_python(other)
    (tmp_path / "of_the_user.py").write_text("import sys\ndef minor():\n    return sys.version_info[1]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import of_the_user  # type: ignore[import-not-found]  # made just now

    profile = tmp_path / "profile"
    command = [programs / "ipengine", f"--IPEngine.url_file={profile / 'security' / 'ipcontroller-engine.json'}"]
    with (
        Cluster(n=2, profile_dir=profile, cluster_id="") as rc,
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as engine,
    ):
        try:
            rc.wait_for_engines(3, timeout=SECONDS)
            [new] = [each for each in rc.ids if each > 1]
            assert rc[new].apply_sync(of_the_user.minor) == int(other.partition(".")[2])
            with pytest.raises(PackError, match=rf"cannot be sent to engine {new} \(Python 3"):
                rc[new].apply_sync(lambda: 1)
            assert set(rc.load_balanced_view().map_sync(lambda x: x + 1, range(20))) == set(range(1, 21))
            assert rc.versions().differences[0] == "python"
        finally:
            engine.terminate()
