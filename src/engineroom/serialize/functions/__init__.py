"""Functions as bytes that travel once: what they bring along, and what they see where they arrive."""
