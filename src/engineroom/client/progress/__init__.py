"""How people see that something goes on: a bar on a terminal, one in a notebook, or a line now and then."""
