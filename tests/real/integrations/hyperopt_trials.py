"""hyperopt: IPythonTrials, by the former name, gives the losses of serial calls, and the best of them."""

import numpy as np
from hyperopt import fmin, hp, rand
from hyperopt.ipy import IPythonTrials

from sharing import connect


def loss(x):
    return (x - 3) ** 2


with connect() as rc:
    space = hp.uniform("x", -10, 10)
    trials = IPythonTrials(rc)
    found = fmin(
        loss, space, algo=rand.suggest, max_evals=12, trials=trials, rstate=np.random.default_rng(0), verbose=False
    )
    tried = [each["misc"]["vals"]["x"][0] for each in trials.trials]
    assert len(tried) in {12, 13}  # both engines may be given a last one
    assert [each["result"]["loss"] for each in trials.trials] == list(map(loss, tried))
    assert found["x"] == min(tried, key=loss)
print("equal")
