"""The engines as users speak of them: which are meant, waiting for them, what they have to do."""
