"""Engines and controllers on other machines, by ssh: the near side, the far side, and what both say."""
