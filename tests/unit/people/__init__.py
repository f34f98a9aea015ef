"""People, on both databases."""
