"""Cross-checks between documents that are valid each by itself, one module per subject."""
