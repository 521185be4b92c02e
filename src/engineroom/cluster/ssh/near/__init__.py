"""Other machines, reached by ssh: this machine's side."""
