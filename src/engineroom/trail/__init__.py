"""What a start has noted on its way: its steps, which of them failed first, and what to do about it."""
