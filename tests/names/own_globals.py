"""A script's own globals are its own, also where IPython, or an engine's IPython, uses their names."""

import os

from engineroom import Client, Reference

rc = Client(profile_dir=os.environ["NAMES_PROFILE"])
v = rc[0]

# The engine's IPython has these names, too.
first = v.execute("1 + 1", silent=False, block=True).get().execution_count
v.execute("2 + 2", silent=False, block=True)
v.execute("3 + 3", silent=False, block=True)


class Out:
    rate = 2


def exit(x):
    return x + 1


def quit(x):
    return exit(x) * Out.rate


def open(x):
    return x - 1


def _(text):
    return text.upper()


In, __, ___, _1, _i, _i1 = [1], "two", "three", 4, 5, 6
_2 = lambda x: x * 10


def get_ipython():
    return "mine"


def uses():
    return Out.rate, exit(1), quit(1), open(1), _("a"), In, __, ___, _1, _i, _i1, _2(2), get_ipython()


expected = (2, 2, 4, 0, "A", [1], "two", "three", 4, 5, 6, 20, "mine")
assert uses() == expected
assert v.apply_sync(uses) == expected
assert rc.load_balanced_view().map_sync(lambda x: uses(), range(3)) == [expected] * 3
assert v.apply_sync(lambda: [uses() for _ in range(2)][1]) == expected

v.execute("kept = 1; 4 + 4", silent=False, block=True)
assert v.apply_sync(uses) == expected

# A pushed name of this kind wins, as any other.
v.push({"Out": type("Out", (), {"rate": 5}), "_1": -4}, block=True)
pushed = v.apply_sync(uses)
assert pushed[:3] == (5, 2, 10) and pushed[8] == -4, pushed

# Cells on the engine still have IPython's.
v.execute("del Out, _1", block=True)
shown = v.execute(f"(Out[{first}], In[{first}], _, _{first + 1}, _i)", silent=False, block=True).get().text
assert shown == "(2, '1 + 1', 8, 4, 'kept = 1; 4 + 4')", shown
assert v.execute("hasattr(get_ipython(), 'run_cell')", silent=False, block=True).get().text == "True"
assert v[f"_{first + 1}"] == 4
assert v.apply_sync(str, Reference("hasattr(get_ipython(), 'run_cell')")) == "True"
v.execute("Out = 3", block=True)
assert v["Out"] == 3
v.execute("assert Out == 3", block=True)
v.clear(block=True)
assert v.execute("Out", silent=False, block=True).get().text == "{}"
print("all is well")
