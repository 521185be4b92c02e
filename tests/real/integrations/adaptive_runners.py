"""adaptive: its runners on an executor and on a client give the points of a simple run."""

from functools import partial

import adaptive
import ipyparallel

from sharing import connect


def peak(x):
    return x + 0.01 / (0.01 + x**2)


def learned(run):
    learner = adaptive.Learner1D(peak, bounds=(-1, 1))
    run(learner)
    return learner


def points(learner):
    return dict(sorted(learner.data.items()))


with connect() as rc:
    serial = learned(partial(adaptive.runner.simple, npoints_goal=30))
    for executor in (rc.executor(), rc.load_balanced_view().executor, rc):
        on_all = partial(adaptive.BlockingRunner, npoints_goal=30, executor=executor)
        found = learned(on_all)
        assert found.npoints >= 30 and all(peak(x) == y for x, y in found.data.items())
    one = learned(partial(adaptive.BlockingRunner, npoints_goal=30, executor=rc.executor([0]), ntasks=1))
    assert points(one) == points(serial)
    assert isinstance(rc, ipyparallel.Client)
print("equal")
