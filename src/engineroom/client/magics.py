"""Magics, by the module that scripts written for ipyparallel import them from."""

from __future__ import annotations

from engineroom.not_built import not_built

ParallelMagics = not_built("ParallelMagics")

__all__ = ["ParallelMagics"]
