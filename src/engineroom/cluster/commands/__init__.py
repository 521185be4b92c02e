"""What `ipcluster` does, one command a file."""
