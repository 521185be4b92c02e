"""What can't be sent: which part of a value it is, and what to do instead."""
