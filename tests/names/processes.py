"""Pickling within a task: functions and classes of the script are found, here and in child processes."""

import copy
import dataclasses
import inspect
import multiprocessing
import os
import pickle
import shelve
import tempfile
from concurrent.futures import ProcessPoolExecutor

import cloudpickle

from engineroom import Client, Reference

METHODS = ["fork", "spawn", "forkserver"]


@dataclasses.dataclass
class Point:
    x: int

    class Inner:
        def __eq__(self, other):
            return type(other) is type(self)

    def double(self):
        return Point(self.x * factor)


factor = 2


def twice(x):
    return [y * factor for y in [x]][0]


def halve(p):
    return Point(p.x // factor)


def there_and_back(value):
    return pickle.loads(pickle.dumps(value))


def plain():
    assert there_and_back(Point(1)) == Point(1)
    assert there_and_back(twice) is twice
    assert there_and_back(Point) is Point
    assert there_and_back(Point.double) is Point.double
    assert there_and_back(Point(3).double)() == Point(6)
    assert there_and_back(Point.Inner()) == Point.Inner()
    assert copy.deepcopy(Point(1)) == Point(1)
    assert copy.deepcopy([twice, Point]) == [twice, Point]
    with tempfile.TemporaryDirectory() as directory, shelve.open(os.path.join(directory, "shelf")) as shelf:
        shelf["p"], shelf["f"] = Point(1), twice
        assert (shelf["p"], shelf["f"](2)) == (Point(1), 4)
    assert cloudpickle.loads(cloudpickle.dumps(twice))(4) == 8
    assert cloudpickle.loads(cloudpickle.dumps(lambda: twice(4)))() == 8


def executor(method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert list(pool.map(twice, [1, 2])) == [2, 4]
        assert pool.submit(halve, Point(8)).result() == Point(4)
        assert type(pool.submit(Point, 8).result()) is Point
        assert pool.submit(Point(8).double).result() == Point(16)
        assert pool.submit(copy.copy, Point.Inner()).result() == Point.Inner()
        assert pool.submit(inspect.getsource, Point).result() == inspect.getsource(Point)


def pool(method):
    with multiprocessing.get_context(method).Pool(1) as workers:
        assert workers.map(twice, [1, 2]) == [2, 4]
        assert workers.apply(halve, (Point(8),)) == Point(4)


def serve(pipe):
    pipe.send(halve(pipe.recv()))


def process(method):
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    child = context.Process(target=serve, args=(there,))
    child.start()
    here.send(Point(6))
    assert here.recv() == Point(3)
    child.join()
    queue = context.SimpleQueue()
    queue.put(Point(5))
    assert queue.get() == Point(5)


def of_an_argument(p, f):
    assert there_and_back(p).x == p.x
    assert there_and_back(f) is f
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(f, p).result()


def keep_pool():
    global kept
    kept = ProcessPoolExecutor(1)
    kept.submit(os.getpid).result()


rc = Client(profile_dir=os.environ["NAMES_PROFILE"])
v = rc[0]
v.clear(block=True)
v.apply_sync(plain)
assert v.map_sync(lambda x: there_and_back(twice)(x), [1, 2]) == [2, 4]
for method in METHODS:
    v.apply_sync(executor, method)
    v.apply_sync(pool, method)
    v.apply_sync(process, method)
assert v.apply_sync(of_an_argument, Point(4), halve) == Point(2)


def stop_helpers():
    """End what multiprocessing would keep until the engine ends."""
    from multiprocessing import forkserver, resource_tracker

    forkserver._forkserver._stop()
    resource_tracker._resource_tracker._stop()


v.apply_sync(stop_helpers)

# A pool that is there before the functions are.
v.apply_sync(keep_pool)


def late(x):
    return Point(x * factor)


assert v.apply_sync(lambda: kept.submit(late, 4).result()) == Point(8)
v.execute("kept.shutdown()", block=True)

# Two versions under one name, of which both are in use.
old = twice


def twice(x):
    return old_factor * x


old_factor = 10


def use():
    return there_and_back(twice)(1), pickle.dumps(twice) == pickle.dumps(twice)


assert v.apply_sync(use) == (10, True)


def use_old():
    return old(1)


assert v.apply_sync(use_old) == 2
assert v.apply_sync(use) == (10, True)

# A cell's own, and what is in the namespace.
v.execute(
    "def in_cell(x): return x + 1\nimport pickle\nassert pickle.loads(pickle.dumps(in_cell)) is in_cell", block=True
)
v.push({"late": late}, block=True)
v.execute(
    "assert pickle.loads(pickle.dumps(late)) is late; p = late(1); assert pickle.loads(pickle.dumps(p)) == p",
    block=True,
)
assert v.apply_sync(there_and_back, Reference("p")) == Point(2)
v.clear(block=True)
print("all is well")
