"""Files for the central office."""
