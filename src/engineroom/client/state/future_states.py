"""The states of futures: the names that `concurrent.futures.wait` and `as_completed` compare with."""

PENDING, RUNNING, FINISHED, CANCELLED = "PENDING", "RUNNING", "FINISHED", "CANCELLED_AND_NOTIFIED"
