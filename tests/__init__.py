"""Every test of the Python side; Rust unit tests stand beside what they test."""
