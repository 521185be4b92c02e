"""Engines and controllers on other machines, by ssh: what runs here, what runs there, and the line between them."""
