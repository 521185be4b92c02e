"""trackpy: locating features frame by frame on engines, as its tutorial does, finds what a serial run finds."""

from functools import partial

import numpy as np
import trackpy

from sharing import connect

trackpy.quiet()
generator = np.random.default_rng(1)
frames = []
for _ in range(6):
    image = np.zeros((64, 64))
    for y, x in generator.integers(10, 54, (5, 2)):
        image[y - 2 : y + 3, x - 2 : x + 3] += 100
    frames.append(image.astype(np.uint8))

with connect() as rc:
    with rc[:].sync_imports():
        import trackpy as tp
    curried = partial(trackpy.locate, diameter=7, minmass=50)
    serial = list(map(curried, frames))
    for found in (rc.load_balanced_view().map_async(curried, frames).get(), list(rc.executor().map(curried, frames))):
        assert all(one.equals(other) for one, other in zip(serial, found, strict=True))
    assert rc[:].apply_sync(lambda: tp.__name__) == ["trackpy"] * len(rc)
print("equal")
