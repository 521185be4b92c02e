"""Magics, under the module name that ipyparallel scripts import."""

from __future__ import annotations

from engineroom.not_built import not_built

ParallelMagics = not_built("ParallelMagics")

__all__ = ["ParallelMagics"]
