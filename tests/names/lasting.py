"""What a task leaves on an engine keeps seeing what came with it: in later tasks, cells, and whoever calls it."""

import asyncio
import dataclasses
import functools
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from engineroom import Client, Reference, interactive

rc = Client(profile_dir=os.environ["NAMES_PROFILE"])
v, lbv = rc[0], rc.load_balanced_view()
v.clear(block=True)
k = 3


def helper(x):
    return math.floor(x) * k


class Base:
    def fit(self, xs):
        return [helper(x) for x in xs] + list(map(lambda x: helper(x), xs))


@dataclasses.dataclass
class Model(Base):
    bias: int = 0

    @functools.cached_property
    def lazy(self):
        return (lambda: helper(self.bias))()

    def fit(self, xs):
        return [y + self.bias for y in super().fit(xs)]


def make(bias):
    global model, steps, pool, serve, Inner
    model = Model(bias)

    def count():
        for x in range(10):
            yield (lambda: helper(x))()

    steps = count()
    pool = ThreadPoolExecutor(1)
    serve = lambda x: pool.submit(lambda: [helper(y) for y in [x]]).result()

    class Inner(Model):
        def twice(self):
            return {helper(x): x for x in [self.bias]}

    return next(steps)


assert v.apply_sync(make, 1) == 0
del helper, k, math


def check():
    other = [model.fit([1]), model.lazy, next(steps), serve(2), Inner(2).twice(), Inner(1).fit([1])]
    return other


expected = [[4, 4], 3, 3, [6], {6: 2}, [4, 4]]
assert v.apply_sync(check) == expected, v.apply_sync(check)
v.execute(
    "shown = [model.fit([1]), model.lazy, next(steps), serve(2), Inner(2).twice(), Inner(1).fit([1])]", block=True
)
assert v["shown"][:2] == expected[:2] and v["shown"][3:] == expected[3:]
assert v.pull("model.fit([2])", block=True) == [7, 7]
assert v.apply_sync(Reference("model.fit"), [2]) == [7, 7]
assert v.apply_sync(list, Reference("map(serve, [1, 2])")) == [[3], [6]]
back = v["model"]
assert type(back) is Model

# Pushed functions, an interactive one, coroutines, threads of a later task.
k = 5


def helper(x):
    return x * k


@interactive
def pushed(xs):
    return [helper(x) for x in xs]


async def later(xs):
    async def one(x):
        await asyncio.sleep(0)
        return (lambda: helper(x))()

    return await asyncio.gather(*[one(x) for x in xs])


def threads(xs):
    out = []

    def work(x):
        out.append([helper(y) for y in [x]][0])

    for x in xs:
        thread = threading.Thread(target=lambda: work(x))
        thread.start()
        thread.join()
    return out


v.push({"pushed": pushed, "later": later}, block=True)
v.execute("got = pushed([1, 2])", block=True)
assert v["got"] == [5, 10]
assert v.apply_sync(Reference("pushed"), [1]) == [5]
assert v.apply_sync(lambda: [pushed(x) for x in [[1], [2]]]) == [[5], [10]]
assert v.apply_sync(later, [1, 2]) == [5, 10]
v.execute("awaited = await later([3])", block=True)
assert v["awaited"] == [15]
assert v.apply_sync(threads, [1, 2]) == [5, 10]
assert v.apply_sync(check)[0] == [4, 4], "the model still has its own helper"
v["k"] = 100
assert v.apply_sync(Reference("pushed"), [1]) == [100]
v.execute("pool.shutdown()", block=True)
v.clear(block=True)
print("all is well")
