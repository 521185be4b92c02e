"""The controller's core among pretend engines in virtual time: what it decides, and what a decision costs."""
