"""The way to the controller: finding it, the connection and its thread, and the session that uses them."""
