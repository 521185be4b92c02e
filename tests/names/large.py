"""Large variables of a script travel once with its functions; calls can't disturb each other's."""

import os
import warnings

import numpy as np

from engineroom import Client

rc = Client(profile_dir=os.environ["NAMES_PROFILE"])
v, lbv = rc[0], rc.load_balanced_view()
data = np.arange(2_000_000, dtype=float)
raw = bytes(12_000_000)

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    results = [lbv.apply_async(lambda i: float(data[i]), i) for i in range(20)]
    assert [ar.get() for ar in results] == [float(i) for i in range(20)]
    assert lbv.map_sync(lambda i: float(data[i]) + len(raw), range(100)) == [i + 12e6 for i in range(100)]
texts = [str(each.message) for each in seen]
assert len(texts) == 2 and "'data' (16 MB)" in texts[0] and "view['data'] = data" in texts[0], texts
assert "'raw' (12 MB)" in texts[1], texts
assert os.path.basename(seen[0].filename) == "large.py", seen[0].filename


def change(i):
    data[i] = -1
    return float(data.min())


assert rc[:].apply_sync(change, 5) == [-1.0, -1.0]
assert v.apply_sync(lambda: float(data[5])) == 5.0
data[5] = 7
assert v.apply_sync(lambda: float(data[5])) == 7.0


# Several in one function, and in several functions.
def total(arrays):
    return sum(float(a[0]) for a in arrays)


many = [np.full(500_000, float(n)) for n in range(7)]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    assert v.apply_sync(lambda: total(many)) == 21.0
    assert [v.apply_sync(lambda n=n: float(many[n][0])) for n in range(2)] == [0.0, 1.0]

# What is pushed wins, and travels no more.
v["data"] = data * 2
assert v.apply_sync(lambda: float(data[3])) == 6.0
v.clear(block=True)
print("all is well")
