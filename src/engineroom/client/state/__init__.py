"""What a client knows: its tasks, the engines, open questions, and what is to be sent."""
