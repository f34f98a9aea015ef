"""A whole world on one machine: internet, forwarder, resolver, and workloads that ask."""
