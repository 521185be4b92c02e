"""Chunks of a map: every item runs, and each error is that of its item."""
