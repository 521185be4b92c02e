"""The commands: arguments to settings, settings to a start."""
