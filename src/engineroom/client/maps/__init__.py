"""Maps: submitted in chunks or as results are read, and the results by item."""
