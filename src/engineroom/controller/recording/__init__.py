"""Keeps a record of tasks: takes what the core notes of them, hands it to a store, and answers questions about it."""
