"""The joblib backend with no cluster: it starts one if it may, and says so."""

import contextlib
import io

import joblib
from joblib import Parallel, delayed

import engineroom
from engineroom.integrations.default_cluster import NoClusterToUse

engineroom.register_joblib_backend(start_cluster=False)
try:
    Parallel(backend="engineroom", n_jobs=2)(delayed(abs)(-i) for i in range(5))
except NoClusterToUse as error:
    assert "ipcluster start" in str(error), error
else:
    raise AssertionError("a cluster was started without permission")
engineroom.register_joblib_backend()
with contextlib.redirect_stderr(io.StringIO()) as said, joblib.parallel_config("engineroom", n_jobs=2):
    assert Parallel()(delayed(abs)(-i) for i in range(5)) == [0, 1, 2, 3, 4]
    assert Parallel()(delayed(abs)(-i) for i in range(3)) == [0, 1, 2]
assert said.getvalue().count("one with 2 engines was started") == 1, said.getvalue()
print("equal")
