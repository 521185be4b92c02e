"""The controller: the shell around the core. It carries out what the core decides, and opens no payload."""
