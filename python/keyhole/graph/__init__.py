"""The graph of who asks whom: clients, engines, upstreams, and whether each edge is protected.

It is made from the query history alone, so its sums are those of log and statistics. What renders
it for people needs nothing but the answer of the API, and imports nothing large.
"""
