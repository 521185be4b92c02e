"""The host: the process that owns the controller and the engines, from their start to their end."""
