"""What a host is to do, as plain data, made from options."""
