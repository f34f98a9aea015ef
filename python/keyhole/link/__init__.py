"""The link between control and its engines: commands by long poll, and their results."""
