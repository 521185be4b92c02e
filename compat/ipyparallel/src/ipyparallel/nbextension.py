"""The notebook extension: not built yet."""

raise ImportError(
    "the notebook extension is not available yet. Until then, start clusters with `ipcluster start` or `ipp.Cluster()`"
)
