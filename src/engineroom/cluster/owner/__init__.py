"""The owner of a host, in the process of the user: starts the host, asks it, and stops it."""
