"""What `ipcluster tasks` and `ipcluster audit` share."""
