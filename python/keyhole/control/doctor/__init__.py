"""``keyhole doctor``: looks at everything that a start and a running Keyhole need, and says what to
do. It changes nothing of what is there, and asks nobody on the internet but the upstreams of the
documents. It writes a file into the data folder to see whether it can, and removes it.

===============  ==================================================================
``case``         what all looks begin with
``finding``      one line of the report
``examine``      all looks, at the same time and bounded
===============  ==================================================================

Each of the other modules is one look.
"""

from keyhole.control.doctor.case import Case, Running, open_case
from keyhole.control.doctor.examine import examine, is_wrong
from keyhole.control.doctor.finding import Finding, Sign

__all__ = ["Case", "Finding", "Running", "Sign", "examine", "is_wrong", "open_case"]
