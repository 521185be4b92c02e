"""Interactive parallel computing for Python."""
