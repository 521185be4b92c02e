"""One copy a machine: what several engines of another machine need crosses the network once."""
