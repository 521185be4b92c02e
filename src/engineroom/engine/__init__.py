"""The engine: one process that keeps a namespace alive and runs what the controller sends it."""
