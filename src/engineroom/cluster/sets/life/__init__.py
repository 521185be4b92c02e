"""The life of the engines of a host, decided: events in, actions out. Time and chance are arguments, as in the core."""
