"""Jobs of Windows HPC Server."""
