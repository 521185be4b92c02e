"""A host at the far end of an ssh connection: that machine's side."""
