"""Exceptions that travel, as errors and among values."""
