"""Where a controller runs, as its host sees it: as a child, by a launcher, by mpiexec, by an own command."""
