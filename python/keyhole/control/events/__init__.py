"""Finds what happened, and tells the receivers of syslog and webhook that the settings name.

Nothing waits for a receiver: each has a bounded queue and a task of its own.
"""
