"""House rules that no linter knows: what may depend on what, and how files and names look."""
