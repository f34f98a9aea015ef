"""The first settings and documents of a Keyhole, from a few answers: ``keyhole setup``."""
