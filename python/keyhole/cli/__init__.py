"""The commands of ``keyhole``: one file each; they parse, call a use case, and print."""
