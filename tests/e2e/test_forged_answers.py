"""No forged answer is taken, however many come, and the true one behind them is still delivered.

``KEYHOLE_FORGED=1000000`` sends so many of them instead of some thousands.
"""

import os

from tests.world.certificates import Authority
from tests.world.forging import TRUE, forging
from tests.world.resolver import Resolver, document

_EACH = 700
"""For one question. A connection that brings a thousand in a row is given up."""
_ALL = int(os.environ.get("KEYHOLE_FORGED", "14000"))


def test_none_of_many_forged_answers_is_taken_and_the_true_one_is_delivered(
    resolver: Resolver, authority: Authority
) -> None:
    certificate = authority.issue("upstream.example.org", "127.0.0.1")
    with forging(_EACH, certificate) as dot, forging(_EACH) as plain:
        router = {
            "protocol": "tcp",
            "addresses": [f"127.0.0.1:{plain.server_address[1]}"],
            "insecure": "local-network",
            "domains": ["corp.example"],
        }
        resolver.write(
            resolver.upstream(dot.server_address[1]),
            document("Upstream", "router", **router),
            document("Policy", "home", default="allow"),
        )
        resolver.start()
        for number in range(_ALL // (2 * _EACH)):
            for domain in ("example.org", "corp.example"):
                reply = resolver.server.ask(f"x{number}.{domain}")
                assert (reply.rcode, reply.addresses) == ("NOERROR", [TRUE]), (number, domain)
                # What is kept is the true one, too.
                assert resolver.server.ask(f"x{number}.{domain}").addresses == [TRUE]
        assert dot.sent + plain.sent >= _ALL
