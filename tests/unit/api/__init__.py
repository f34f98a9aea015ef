"""The API, without a network."""
