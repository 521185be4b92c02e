"""Starting, finding and stopping a whole cluster: a controller, its engines, and the host that owns them."""
