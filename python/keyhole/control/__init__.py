"""The use cases: the only place where documents, lists, identities and the engine meet."""
