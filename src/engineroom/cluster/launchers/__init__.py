"""How processes are started, looked after and stopped, by whatever a site has."""
