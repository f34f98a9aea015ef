"""Helpers of end-to-end tests: real processes, certificates, an upstream that can misbehave."""
