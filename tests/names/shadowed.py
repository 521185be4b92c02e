"""A variable of the script that an engine has another value for: the engine's wins, and that is said once."""

import os
import warnings

from engineroom import Client

rc = Client(profile_dir=os.environ["NAMES_PROFILE"])
v, dv, lbv = rc[0], rc[:], rc.load_balanced_view()
dv.clear(block=True)
dv["rate"] = 0.07
rate = 0.5


def pay(x):
    return x * rate


def warned(call):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        value = call()
    return value, [str(each.message) for each in seen], [os.path.basename(each.filename) for each in seen]


value, texts, files = warned(lambda: v.apply_sync(pay, 100))
assert value == 7.000000000000001, value
(text,) = texts
assert text == (
    "engine 0 has its own 'rate' (0.07), and functions there use it instead of the 'rate' here (0.5). "
    "To use the one here, run `view['rate'] = rate`, or delete the engine's: `view.execute('del rate')`."
)
assert files == ["shadowed.py"], files
assert warned(lambda: lbv.map_sync(pay, range(10)))[1] == []
assert warned(lambda: dv.apply_sync(lambda: rate))[1] == []

rate = 0.6
value, texts, files = warned(lambda: lbv.map_sync(pay, range(100)))
assert len(texts) == 1 and "(0.07)" in texts[0] and "(0.6)" in texts[0], texts

dv["rate"] = rate
assert warned(lambda: v.apply_sync(pay, 10)) == (6.0, [], [])
dv.execute("del rate", block=True)
rate = 0.7
assert warned(lambda: v.apply_sync(pay, 10)) == (7.0, [], [])

# An argument, and what fails because of it.
dv["size"] = 0
size = 2


def divide(x):
    return x / size


def fails():
    try:
        v.apply_sync(divide, 1)
    except ZeroDivisionError:
        return "divided by zero"


value, texts, files = warned(fails)
assert value == "divided by zero"
assert ["'size' (0)" in text for text in texts] == [True], texts
dv.clear(block=True)
print("all is well")
