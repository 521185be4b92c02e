"""Cutting sequences into chunks and parts, and joining parts again."""
