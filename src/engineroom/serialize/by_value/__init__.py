"""What the far end cannot import travels as a definition: functions, classes, enums, things of the standard library."""
