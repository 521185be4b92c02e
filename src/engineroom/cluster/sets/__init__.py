"""The engines of a host, in sets: forked by its spawner, or started by a launcher."""
