"""Values whose size needs more than 31 bits."""

import numpy as np

from tests.travel.carry import close, row, title

title("Values of 2 GiB and more: bytes, text, arrays")
SIZE = (1 << 31) + 3
row(bytes(SIZE), lambda v: len(v) == SIZE and v[-1] == 0, once=True)
row(np.arange(SIZE // 8 + 1), lambda a: a[-1] == SIZE // 8, same=np.array_equal, once=True)
row("x" * SIZE, lambda v: len(v) == SIZE and v[-1] == "x", once=True)
close()
