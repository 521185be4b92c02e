"""What a captured function makes sees what that function saw, for as long as it lives."""

import pytest

HELPERS = """
import math
k = 3
def helper(x): return math.floor(x) * k
"""


@pytest.fixture
def notebook(notebook):
    notebook.run(HELPERS)
    return notebook


def define(notebook, source):
    notebook.names.pop("f", None)
    return notebook.run(source)


LASTING = {
    "a kept object": (
        """
class Model:
    def fit(self): return [helper(x) for x in [1]][0] + list(map(lambda x: helper(x), [1]))[0]
def f():
    global model
    model = Model()
""",
        "model.fit()",
        6,
    ),
    "a kept inner function": (
        """
def f():
    global g
    def g():
        return (lambda: sum(helper(x) for x in [1, 2]))()
""",
        "g()",
        9,
    ),
    "a generator": (
        """
def f():
    global it
    def steps():
        for x in [1, 2]:
            yield (lambda: helper(x))()
    it = steps()
    next(it)
""",
        "next(it)",
        6,
    ),
    "a class made inside": (
        """
def f():
    global made
    class A:
        def m(self): return [helper(x) for x in [1]]
        class B:
            def m(self): return list(helper(x) for x in [1])
    made = A(), A.B()
""",
        "made[0].m() + made[1].m()",
        [3, 3],
    ),
    "a dataclass made inside": (
        """
import dataclasses
def f():
    global made
    @dataclasses.dataclass
    class A:
        x: int = 1
        def m(self): return [helper(self.x) for _ in [1]]
    made = A
""",
        "made(2).m()",
        [6],
    ),
    "a thread": (
        """
import threading, queue
def f():
    global asked, answers
    asked, answers = queue.Queue(), queue.Queue()
    def serve():
        for x in iter(asked.get, None):
            answers.put([helper(y) for y in [x]])
    threading.Thread(target=serve, daemon=True).start()
""",
        "(asked.put(2), asked.put(None), answers.get(timeout=30))[2]",
        [6],
    ),
    "a pool of threads": (
        """
from concurrent.futures import ThreadPoolExecutor
def f():
    global pool, work
    pool = ThreadPoolExecutor(1)
    work = lambda x: [(lambda: helper(y))() for y in [x]]
""",
        "(pool.submit(work, 2).result(30), pool.shutdown())[0]",
        [6],
    ),
    "a task of asyncio": (
        """
import asyncio
def f():
    global loop, task
    loop = asyncio.new_event_loop()
    async def work():
        await asyncio.sleep(0)
        return [helper(x) for x in [1]]
    task = loop.create_task(work())
""",
        "(loop.run_until_complete(task), loop.close())[0]",
        [3],
    ),
    "a cached function": (
        """
import functools
def f():
    global cached
    @functools.lru_cache
    def cached(x): return [helper(y) for y in [x]]
""",
        "cached(2)",
        [6],
    ),
    "what eval and exec make": (
        """
def f():
    global one, two
    one = eval('lambda: [helper(x) for x in [1]]')
    exec('def two(): return [(lambda: helper(x))() for x in [1]]', globals())
    helper
""",
        "one() + two()",
        [3, 3],
    ),
}


@pytest.mark.parametrize("name", LASTING)
def test_used_by_another_task_with_names_of_its_own(engine, notebook, name):
    source, use, expected = LASTING[name]
    engine.call(define(notebook, source))
    notebook.run("del math, helper, k\nother = 0\ndef k(): return other")
    later = notebook.run(f"f = lambda: [(k(), {use})[1] for _ in [1]][0]")
    assert engine.call(later) == expected


@pytest.mark.parametrize("name", LASTING)
def test_used_by_a_cell(engine, notebook, name):
    source, use, expected = LASTING[name]
    engine.call(define(notebook, source))
    engine.execute(f"result = {use}")
    assert engine.pull("result") == expected


@pytest.mark.parametrize("name", LASTING)
def test_pulled(engine, notebook, name):
    source, use, expected = LASTING[name]
    engine.call(define(notebook, source))
    assert engine.pull(use) == expected


def test_two_scopes_do_not_mix(engine, notebook):
    make = notebook.run("def f(): return lambda: [helper(x) for x in [1]]\ndef keep(name, g): globals()[name] = g()")
    engine.call(notebook["keep"], "one", make)
    notebook.run("k = 5")
    engine.call(notebook["keep"], "two", make)
    assert engine.pull("one() + two() + one()") == [3, 5, 3]
    assert engine.pull("[one, two]")[0]() == [3]
    one, two = engine.pull("[one, two]")
    assert (one(), two()) == ([3], [5])


def test_the_engines_names_win_whenever_they_appear(engine, notebook):
    engine.call(notebook.run("def f():\n    global g\n    def g(): return [helper(x) for x in [1]]"))
    assert engine.pull("g()") == [3]
    engine.execute("helper = lambda x: -1\nresult = g()")
    assert engine.pull("result") == [-1]
    engine.execute("del helper")
    assert engine.pull("g()") == [3]


def test_global_writes_of_inner_functions(engine, notebook):
    notebook.run(
        """
count = 0
def f():
    def add():
        global count
        count += helper(1)
    [add() for _ in [1, 2]]
"""
    )
    engine.call(notebook["f"])
    assert engine.pull("count") == 6
    assert notebook["count"] == 0


def test_what_is_not_captured_sees_nothing_of_it(engine, notebook):
    notebook.run("def f():\n    global g\n    g = lambda: [helper(x) for x in [1]]\n    return eval('g()', globals())")
    assert engine.call(notebook["f"]) == [3]
    engine.execute("h = lambda: [helper(x) for x in [1]]")
    with pytest.raises(NameError, match="helper"):
        engine.pull("h()")


def test_eval_and_exec(engine, notebook):
    f = notebook.run(
        """
def f(n):
    exec('global m; m = helper(1)')
    compiled = compile('helper(2)', '', 'eval')
    others = eval('  [helper(x) for x in y]', {'y': [1]}), eval('n', {}, {'n': 7})
    return eval('helper(n)'), eval(compiled), *others, m, helper
"""
    )
    assert engine.call(f, 4)[:-1] == (12, 6, [3], 7, 3)
    assert engine.pull("m") == 3
    assert engine.pull("__builtins__ is __import__('builtins')")


def test_eval_comes_back_as_itself(engine, notebook):
    returned = engine.call(notebook.run("def f():\n    def g(): return eval('helper(1)'), helper\n    return g"))
    assert returned()[0] == 3


@pytest.mark.parametrize("fails", ["1 / 0", "helper(None)"])
def test_after_an_error_all_is_as_before(engine, notebook, fails):
    f = notebook.run(f"def f(): return [eval('[{fails} for _ in [1]]') for _ in [1]], helper")
    with pytest.raises(Exception, match=r"division|must be real"):
        engine.call(f)
    assert engine.pull("__builtins__ is __import__('builtins')")
