"""What Keyhole needs from the operating system: durable files, locks, sockets, processes.

The lowest package: it imports nothing of Keyhole, and raises ``OSError``.
"""
