"""The traps, by what they are about."""
