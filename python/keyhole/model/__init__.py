"""The data that Keyhole is about: documents as written, and what the engine is given."""
