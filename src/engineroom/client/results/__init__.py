"""AsyncResult: waiting for results, reading them, finding and showing them."""
