"""How fast engineroom is, beside its references: `python -m benchmarks [ROW ...]`."""
