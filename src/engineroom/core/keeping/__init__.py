"""Calls that are kept for engines that come later: they run there first of all."""
