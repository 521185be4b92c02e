"""Which clusters of this user there are: those that run, and what others have left."""
