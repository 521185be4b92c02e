"""The conversations of our processes on one machine: JSON, a line each, with the children at their other ends."""
