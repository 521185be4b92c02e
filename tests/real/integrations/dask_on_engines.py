"""Dask: engines as its workers, by both names, started again; and Dask and xarray on an executor."""

import dask
import dask.array
import distributed
import numpy as np
import xarray

from sharing import connect


def shift(x):
    return x + 1


with connect() as rc:
    array = dask.array.from_array(np.arange(10_000.0).reshape(100, 100), chunks=(25, 25))
    wanted = float(((array + array.T) ** 2).sum().compute(scheduler="single-threaded"))

    client = rc.become_dask()
    address = client.scheduler.address
    assert address.startswith("tls://127.0.0.1:"), address
    try:
        distributed.Client(address.replace("tls", "tcp"), timeout=2)
    except OSError:
        pass
    else:
        raise AssertionError("Dask let in somebody without a key")
    assert len(client.scheduler_info(-1)["workers"]) == len(rc)
    assert float(((array + array.T) ** 2).sum().compute()) == wanted
    assert client.gather(client.map(shift, range(20))) == list(range(1, 21))
    assert rc[0].apply_sync(lambda: distributed_worker is dask_worker and type(dask_worker).__name__) == "Worker"
    again = rc.become_dask(targets=[0])
    assert len(again.scheduler_info(-1)["workers"]) == len(rc)
    rc.stop_dask()
    rc.stop_dask()
    assert rc[:].apply_sync(lambda: {"distributed_worker", "dask_worker"} & set(globals())) == [set()] * len(rc)
    one = rc.become_distributed(targets=0)
    assert len(one.scheduler_info(-1)["workers"]) == 1
    assert one.submit(shift, 1).result() == 2
    rc.stop_distributed()

    with dask.config.set(pool=rc.executor(), scheduler="threads"):
        assert float(((array + array.T) ** 2).sum().compute()) == wanted
    assert dask.compute(*[dask.delayed(shift)(x) for x in range(10)], scheduler=rc.executor()) == tuple(range(1, 11))

    data = xarray.DataArray(np.arange(600.0).reshape(20, 30), dims=("x", "y"), coords={"x": range(20)})
    chunked = data.chunk({"x": 5})
    alone = (data.groupby("x").mean() * 2 + data.max("x").sum()).values
    with dask.config.set(scheduler=rc.executor()):
        together = (chunked.groupby("x").mean() * 2 + chunked.max("x").sum()).compute().values
    assert np.allclose(alone, together)
    parts = list(rc.executor().map(lambda part: float(part.sum()), [data.isel(x=i) for i in range(20)]))
    assert parts == [float(data.isel(x=i).sum()) for i in range(20)]
print("equal")
