"""What clients, engines, hosts and the controller say to each other."""
