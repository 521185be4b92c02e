"""emcee, dynesty and pymoo on pool-like objects: the numbers of a serial run."""

import dynesty
import emcee
import numpy as np
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.problem import ElementwiseProblem
from pymoo.optimize import minimize

from sharing import connect


def log_probability(x):
    return -0.5 * np.sum(x**2)


def prior(u):
    return 10.0 * u - 5.0


class Sphere(ElementwiseProblem):
    def __init__(self, **options):
        super().__init__(n_var=3, n_obj=1, xl=-2.0, xu=2.0, **options)

    def _evaluate(self, x, out, *args, **kwargs):
        out["F"] = np.sum((x - 0.5) ** 2)


def chain(pool):
    sampler = emcee.EnsembleSampler(8, 2, log_probability, pool=pool)
    sampler.random_state = np.random.RandomState(3).get_state()
    sampler.run_mcmc(np.random.default_rng(0).normal(size=(8, 2)), 20)
    return sampler.get_chain()


def evidence(**options):
    sampler = dynesty.NestedSampler(log_probability, prior, 2, nlive=40, rstate=np.random.default_rng(2), **options)
    sampler.run_nested(maxiter=120, print_progress=False, add_live=False)
    return sampler.results.logz


def optimum(**options):
    return minimize(Sphere(**options), GA(pop_size=12), ("n_gen", 5), seed=1).F


class Serial:
    """A pool of no processes."""

    map = staticmethod(map)


class Runner:
    """What pymoo calls an elementwise runner."""

    def __init__(self, view):
        self.view = view

    def __call__(self, f, xs):
        return self.view.map_sync(f, xs)

    def __getstate__(self):
        return {}


with connect() as rc:
    executor, view = rc.executor(), rc.load_balanced_view()
    assert np.array_equal(chain(None), chain(executor))
    assert np.array_equal(chain(None), chain(view))
    assert np.array_equal(evidence(pool=Serial(), queue_size=2), evidence(pool=executor, queue_size=2))
    assert np.array_equal(optimum(), optimum(elementwise_runner=Runner(view)))
print("equal")
