"""What the documentation site needs beside mkdocs.yml."""
