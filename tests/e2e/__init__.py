"""Promises about the running program, checked from outside with other people's tools."""
