"""A DNS client for every transport, which reports how an answer was protected."""
