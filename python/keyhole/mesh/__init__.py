"""Keyhole in a cluster: its manifests, and a check for what breaks DNS in a mesh."""
