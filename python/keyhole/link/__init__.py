"""The link between control and its engines: commands by long poll, answers back."""
