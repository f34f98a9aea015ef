"""Learns names of clients from lease files, hosts files and reverse look-ups."""
