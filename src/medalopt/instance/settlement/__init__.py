"""What has happened since a plan was made: settlement sheets of smelters, and what has been signed."""
