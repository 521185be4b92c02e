"""Large payloads: there and back."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import references
from benchmarks.array_work import ones
from benchmarks.clusters import cluster
from benchmarks.figures import Figure
from benchmarks.timing import seconds
from benchmarks.work import echo

COUNT, SIZE = 200, 2**20


def echo_rate(data: object, *, tls: bool) -> float:
    """Return the MiB a second (there and back counted once) of `COUNT` tasks that give back `data`, of `SIZE` bytes."""
    with cluster(2, tls=tls) as rc:
        view = rc.load_balanced_view()

        def run() -> None:
            for result in [view.apply_async(echo, data) for _ in range(COUNT)]:
                result.get()

        run()
        return COUNT * SIZE / 2**20 / min(seconds(run) for _ in range(3))


def there_and_back() -> list[Figure]:
    """Measure tasks with 1 MiB there and back: bytes, of which each end makes an object of its own, and arrays."""
    return [_echoed("", _letters), _echoed(", as an array", ones)]


def _letters(size: int) -> bytes:
    return b"x" * size


def _echoed(kind: str, make: Callable[[int], object]) -> Figure:
    data = make(SIZE)
    reference = references.executor_echo(make, COUNT, SIZE)
    return Figure(
        name=f"{COUNT} tasks with 1 MiB there and back{kind}",
        unit="MiB/s",
        value=echo_rate(data, tls=False),
        reference=reference,
        reference_name="ProcessPoolExecutor",
        reach=3 * reference,
        aim=2000.0,
        more=True,
        detail=f"over TLS {echo_rate(data, tls=True):,.0f}",
    )
