"""The command line of ssh: which machines, which Python there, and what goes wrong."""
