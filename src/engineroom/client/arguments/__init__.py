"""What users give to views and clients: names explained, numbers checked."""
