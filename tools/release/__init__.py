"""What ``./dev release`` builds: wheel, sources, Debian package, bill of materials, checksums."""
