"""Who is here, away, dead, orphaned or unresponsive: decided from what connections, hosts and the clock say."""
