"""One test for each thing that may be missing: Keyhole refuses with a reason and goes on."""
