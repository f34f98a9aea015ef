"""A whole world on loopback: internet, forwarder, resolver, workloads; no internet needed."""
