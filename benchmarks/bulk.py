"""Large payloads: there and back."""

from __future__ import annotations

from benchmarks import references
from benchmarks.clusters import cluster
from benchmarks.figures import Figure
from benchmarks.timing import seconds
from benchmarks.work import echo

COUNT, SIZE = 200, 2**20


def echo_rate(*, tls: bool) -> float:
    """Return the MiB a second (there and back counted once) of `COUNT` tasks of `SIZE` bytes each way."""
    data = b"x" * SIZE
    with cluster(2, tls=tls) as rc:
        view = rc.load_balanced_view()

        def run() -> None:
            for result in [view.apply_async(echo, data) for _ in range(COUNT)]:
                result.get()

        run()
        return COUNT * SIZE / 2**20 / min(seconds(run) for _ in range(3))


def there_and_back() -> Figure:
    """Measure tasks with 1 MiB there and back."""
    reference = references.executor_echo(COUNT, SIZE)
    return Figure(
        name=f"{COUNT} tasks with 1 MiB there and back",
        unit="MiB/s",
        value=echo_rate(tls=False),
        reference=reference,
        reference_name="ProcessPoolExecutor",
        reach=reference,
        aim=2 * reference,
        more=True,
        detail=f"over TLS {echo_rate(tls=True):,.0f}",
    )
