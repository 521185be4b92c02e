"""The same cases on engineroom and on its peers, each in an environment of its own: `make bench-peers`."""
