"""What is left on disk of a cluster: pid files, the cluster file, the jobs of a host, sockets and logs."""
