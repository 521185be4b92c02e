"""How threads wait, and how people see that they do."""
