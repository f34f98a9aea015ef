import re

import pytest

from keyhole.model.domain import domain_names, read_domain


@pytest.mark.parametrize(
    ("written", "domain", "names"),
    [
        ("Corp.Example.", "corp.example", ["corp.example"]),
        ("cluster.local", "cluster.local", ["cluster.local"]),
        ("168.192.in-addr.arpa", "168.192.in-addr.arpa", ["168.192.in-addr.arpa"]),
        ("192.168.0.0/16", "192.168.0.0/16", ["168.192.in-addr.arpa"]),
        ("10.0.0.0/8", "10.0.0.0/8", ["10.in-addr.arpa"]),
        ("fd00::/8", "fd00::/8", ["d.f.ip6.arpa"]),
        # Between two zones.
        ("192.168.4.0/23", "192.168.4.0/23", ["4.168.192.in-addr.arpa", "5.168.192.in-addr.arpa"]),
        ("fd12::/15", "fd12::/15", ["2.1.d.f.ip6.arpa", "3.1.d.f.ip6.arpa"]),
        ("192.168.1.7", "192.168.1.7/32", ["7.1.168.192.in-addr.arpa"]),
        ("0.0.0.0/0", "0.0.0.0/0", ["in-addr.arpa"]),
    ],
)
def test_a_domain_is_a_name_or_a_network_and_stands_for_names(
    written: str, domain: str, names: list[str]
) -> None:
    assert read_domain(written) == domain
    assert domain_names(domain) == names
    assert read_domain(domain) == domain


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (".", "an upstream for all names has no domains; leave domains out"),
        ("*.corp.example", "a domain stands for all names below it, too; write corp.example"),
        ("localhost", "localhost never leaves this machine (RFC 6761, RFC 7686)"),
        ("abc.onion", "abc.onion never leaves this machine (RFC 6761, RFC 7686)"),
        ("192.168.1.0/16", "did you mean 192.168.0.0/16?"),
        ("1.168.192", "1.168.192 is not a network; write one as 192.0.2.0/24"),
        ("a..example", "a..example"),
    ],
)
def test_what_is_no_domain_is_refused_with_what_would_be_right(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        read_domain(written)
