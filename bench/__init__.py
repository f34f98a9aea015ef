"""What a query costs: Keyhole, a bare reflector and other DNS servers, measured in one run."""
