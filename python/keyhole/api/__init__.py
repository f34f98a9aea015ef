"""The HTTP API of control, for programs and for a web page."""
