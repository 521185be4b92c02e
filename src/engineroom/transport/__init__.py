"""Connections between peers: over a Unix socket, over TCP with TLS, or in memory for tests."""
