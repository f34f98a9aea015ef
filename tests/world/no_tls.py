"""For requests without TLS: no certificate is ever believed.

A client of HTTP reads the roots of the system unless it is told whom to trust, also for http:
some 25 ms of the processor for each client, and tests ask thousands of times.
"""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
