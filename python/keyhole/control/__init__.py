"""The use cases: they combine documents, lists, identities and the engine."""
