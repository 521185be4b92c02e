"""What a host that is gone left running or lying about, and who takes it away."""
