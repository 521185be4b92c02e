"""The programs, where `ipython profile create --parallel` and old scripts look for them."""
