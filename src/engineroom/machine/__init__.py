"""The processes, files, logs, terminals and memory of this machine. Nothing here knows what a cluster is."""
