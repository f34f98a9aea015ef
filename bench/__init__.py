"""The cost of a query: Keyhole, a plain reflector and other DNS servers, measured in one run."""
