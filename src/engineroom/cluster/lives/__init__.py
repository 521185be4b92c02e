"""When a host starts something again that has died, decided: tables as pure as the core."""
