"""Queries that the core recorded for traces, as spans of OpenTelemetry.

A line of the core (``Runtime.take_traces``) is one query with the times of its stages and of its
exchanges with upstreams: ``record``. ``spans`` and ``exporter`` load OpenTelemetry's libraries,
which takes a while, so that nothing is imported here. ``conventions`` alone knows how OpenTelemetry
names things.
"""
