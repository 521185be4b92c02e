"""Jobs of batch systems: written as scripts, submitted, kept on disk, asked about, cancelled."""
