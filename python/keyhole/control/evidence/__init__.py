"""Keeps the evidence chain while Keyhole runs, and exports it."""
