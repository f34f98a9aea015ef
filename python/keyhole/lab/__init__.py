"""A complete test network on one machine: internet, forwarder, resolver, and workloads."""
