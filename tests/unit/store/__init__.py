"""The store: each promise holds on SQLite and on PostgreSQL."""
