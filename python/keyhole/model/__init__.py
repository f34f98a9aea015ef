"""The data model: documents as written, and the documents for the engine."""
