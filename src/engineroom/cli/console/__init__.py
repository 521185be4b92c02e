"""`ipcluster console`: a prompt whose cells run on one engine."""
