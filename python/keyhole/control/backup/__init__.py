"""Backup and restore of one Keyhole: everything it needs to serve again, in one file."""
