"""Memory of this machine that one process writes once and others map: segments, who holds them, what may be reused."""
