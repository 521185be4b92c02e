"""Batch systems as data, one small file each."""
