"""The options of the applications and of clusters, and the profile directories that hold them."""
