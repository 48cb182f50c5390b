"""Settlement sheets of smelters and signed contracts."""
