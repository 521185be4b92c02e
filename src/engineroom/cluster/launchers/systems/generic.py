"""A batch system of which we know only what the options say."""

from engineroom.cluster.launchers.systems.system import BatchSystem

GENERIC = BatchSystem(name="Batch", submit=(), cancel=(), split=True)
